//! The certificate that a TLS listener of ours shows where the operator has none of its own.

use crypto::{KeyAlgorithm, SigningKey, SoftwareKey, Zeroizing};
use pki::issuance::{Draft, Linted, Signed, Validity};
use pki::profile::tls;
use serde_json::json;
use store::{Certificate, CertificateState, Tx};
use time::Duration;

use crate::advance::Actor;
use crate::trust::issuing;
use crate::{Error, Service};

/// A TLS server's identity. `Debug` is not derived: it holds a key.
pub struct ServerIdentity {
    /// The certificate and what leads to the root, DER, the server's first.
    pub chain: Vec<Vec<u8>>,
    /// Its private key, PKCS#8 DER.
    pub key: Zeroizing<Vec<u8>>,
}

impl Service {
    /// Issues a server certificate for these DNS names and IP addresses, with a key that lives as
    /// long as the process.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] where a name cannot stand in a certificate.
    pub async fn server_identity(
        &self,
        names: &[String],
        lasting: Duration,
    ) -> Result<ServerIdentity, Error> {
        let key = SoftwareKey::generate(KeyAlgorithm::EcdsaP256)?;
        let validity = Validity::starting(self.now(), lasting);
        let anchors = self.anchors();
        let issuer = anchors.issuer();
        let spki = key.public_key_info();
        let draft =
            tls::server_draft(issuer, names, spki, validity, self.entropy()).map_err(issuing)?;
        let mut tx = self.store().begin().await?;
        let issued = self.issue_at_once(&mut tx, draft, validity).await?;
        let details = json!({ "serial": issued.serial(), "names": names });
        self.record(&mut tx, Actor::System, "server-certified", None, details)
            .await?;
        self.commit(tx).await?;
        let mut chain = vec![issued.into_certificate()];
        chain.extend_from_slice(anchors.chain());
        Ok(ServerIdentity {
            chain,
            key: key.to_pkcs8()?,
        })
    }

    /// Signs a certificate that belongs to no request, and puts it on record in the transaction
    /// before whose commit it does not leave the server.
    pub(crate) async fn issue_at_once(
        &self,
        tx: &mut Tx,
        draft: Draft,
        validity: Validity,
    ) -> Result<Signed, Error> {
        let recorded = draft.lint().and_then(Linted::record).map_err(issuing)?;
        let tbs = recorded.tbs().to_vec();
        let anchors = self.anchors();
        let listed = anchors.listing(&recorded);
        let signed = recorded
            .clone()
            .sign(anchors.issuer_of(&recorded))
            .map_err(issuing)?;
        let row = Certificate {
            serial: signed.serial().to_owned(),
            number: store::certificates::next_number(tx).await?,
            request: None,
            renewal: false,
            issuer: listed.issuer,
            shard: listed.shard,
            state: CertificateState::Valid,
            tbs,
            der: Some(signed.certificate().to_vec()),
            sealed_key: None,
            not_before: validity.not_before,
            not_after: validity.not_after,
            recorded_at: self.now(),
            revoked_at: None,
            reason: None,
        };
        self.record_signed(tx, &row).await?;
        Ok(signed)
    }
}
