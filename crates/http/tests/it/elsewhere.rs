//! Keys that live elsewhere, as in a token: waiting for one keeps nobody else waiting.

use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crypto::{CryptoError, Digest, KeyAlgorithm, SigningKey};
use pki::tsa::client::Request;
use store::CertificateState;

use crate::revocation::Pair;

/// A key that signs when it is told to.
struct Elsewhere {
    key: Arc<dyn SigningKey>,
    told: Arc<Mutex<Receiver<()>>>,
}

impl SigningKey for Elsewhere {
    fn algorithm(&self) -> KeyAlgorithm {
        self.key.algorithm()
    }

    fn public_key_info(&self) -> &[u8] {
        self.key.public_key_info()
    }

    fn may_block(&self) -> bool {
        true
    }

    fn sign_digest(&self, digest: &Digest) -> Result<Vec<u8>, CryptoError> {
        let told = self.told.lock().unwrap();
        let told = told.recv_timeout(Duration::from_secs(10));
        told.map_err(|_| CryptoError::Unreachable)?;
        self.key.sign_digest(digest)
    }
}

/// On a runtime of one thread: what waited there for its key would wait for ever.
#[tokio::test(flavor = "current_thread")]
async fn time_stamps_and_ocsp_answers_wait_for_their_keys_off_the_runtimes_threads() {
    let (tell, told) = mpsc::channel();
    let told = Arc::new(Mutex::new(told));
    let pair = Pair::start_with(|authorities| {
        for office in [
            &mut authorities.time_stamping,
            &mut authorities.issuing_ocsp,
        ] {
            office.key = Arc::new(Elsewhere {
                key: Arc::clone(&office.key),
                told: Arc::clone(&told),
            });
        }
    })
    .await;
    let serial = pair.issue(1, CertificateState::Valid).await;
    tell.send(()).unwrap();
    let question = pair.request(&serial);
    let query = Request::new([0; 32], [1; 8]).to_der();
    let (token, answer, ()) = tokio::join!(
        pair.one.time_stamp(&query),
        pair.one.ocsp(&question),
        async {
            tell.send(()).unwrap();
            tell.send(()).unwrap();
        }
    );
    // PKIStatusInfo { granted(0) }, and OCSPResponse { successful(0) }.
    assert_eq!(token.unwrap()[4..9], [0x30, 0x03, 0x02, 0x01, 0x00]);
    assert_eq!(answer.unwrap().der[4..7], [0x0a, 0x01, 0x00]);
}
