//! Time-stamps by our own authority, and by `openssl ts -reply`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::ensure;
use crypto::{KeyAlgorithm, SoftwareKey};
use pki::tsa::client::Request;

use crate::Place;
use crate::cost::{Costs, Needs};
use crate::crowd::Rounds;
use crate::house::House;
use crate::report::{Asked, Report};

const ROUNDS: usize = 5;
const STAMPS: usize = 4000;
const PEER_STAMPS: usize = 60;

/// Stamps by a crowd, by turns with the peer.
pub async fn measure(
    house: &House,
    place: &Place,
    costs: &Costs,
    report: &mut Report,
) -> anyhow::Result<()> {
    let peer = Peer::prepare(place.work.join("openssl ts"))?;
    let (mut rounds, mut theirs) = (Rounds::default(), Vec::new());
    for _ in 0..ROUNDS {
        let requests = (0..STAMPS as u64).map(|number| {
            let bytes = number.to_be_bytes();
            Request::new(crypto::sha256(&bytes), bytes).to_der()
        });
        let service = house.service.clone();
        let one = move |request: Vec<u8>| {
            let service = service.clone();
            async move {
                service.time_stamp(&request).await?;
                Ok(())
            }
        };
        rounds.play(requests.collect(), one).await?;
        theirs.push(peer.rate()?);
    }
    // What signing each of them anew would allow.
    let limit = costs.limit(&Needs {
        keys: 0.0,
        signatures: 1.0,
        bytes: 0.0,
    });
    rounds.tell_beside_openssl("tsa", Asked::AtLeast(2000.0), limit, theirs, report);
    Ok(())
}

/// OpenSSL's command, which stamps one request a process: there is no server of it.
struct Peer {
    folder: PathBuf,
}

impl Peer {
    fn prepare(folder: PathBuf) -> anyhow::Result<Self> {
        fs::create_dir_all(&folder)?;
        let request = Request::new(crypto::sha256(b"peer"), [1; 8]).to_der();
        fs::write(folder.join("request.tsq"), request)?;
        let key = SoftwareKey::generate(KeyAlgorithm::EcdsaP256)?;
        fs::write(folder.join("key.der"), &*key.to_pkcs8()?)?;
        fs::write(folder.join("ts.cnf"), CONFIGURATION)?;
        fs::write(folder.join("serial"), "01\n")?;
        let peer = Self { folder };
        peer.run(&[
            "pkcs8", "-inform", "DER", "-in", "key.der", "-nocrypt", "-out", "key.pem",
        ])?;
        peer.run(&[
            "req", "-x509", "-new", "-key", "key.pem", "-out", "tsa.pem", "-days", "2", "-config",
            "ts.cnf",
        ])?;
        Ok(peer)
    }

    fn rate(&self) -> anyhow::Result<f64> {
        let start = Instant::now();
        for _ in 0..PEER_STAMPS {
            self.run(&[
                "ts",
                "-reply",
                "-queryfile",
                "request.tsq",
                "-config",
                "ts.cnf",
                "-out",
                "answer.tsr",
            ])?;
        }
        Ok(PEER_STAMPS as f64 / start.elapsed().as_secs_f64())
    }

    fn run(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = Command::new("openssl");
        let done = command.args(arguments).current_dir(&self.folder).output()?;
        let said = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.success(), "openssl {arguments:?}: {said}");
        Ok(())
    }
}

const CONFIGURATION: &str = "\
[req]
distinguished_name = name
x509_extensions = usage
prompt = no
[name]
CN = Peer
[usage]
extendedKeyUsage = critical,timeStamping
[tsa]
default_tsa = unit
[unit]
serial = serial
signer_cert = tsa.pem
signer_key = key.pem
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
";
