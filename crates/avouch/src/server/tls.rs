//! TLS: what a listener shows, and what it asks of its clients.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature,
    verify_tls13_signature,
};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use service::ServerIdentity;
use tokio_rustls::TlsAcceptor;

use crate::config;

/// The certificate that a listener shows, with its key.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// What a listener asks of its clients.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Clients {
    /// Nothing.
    Anyone,
    /// Their certificate, if they have one. Whose it is and whether it still counts is the door's
    /// to say, in its API's words: a broken handshake would tell a client nothing.
    AskedForCertificate,
}

impl Identity {
    /// Reads the PEM files that `section` of the configuration names.
    pub fn read(tls: &config::Tls, section: &str) -> anyhow::Result<Self> {
        Ok(Self {
            chain: certificates(&tls.certificate, section)?,
            key: PrivateKeyDer::from_pem_file(&tls.key)
                .with_context(|| format!("{section}.key {}", tls.key.display()))?,
        })
    }

    /// One that was issued for this process.
    pub fn issued(identity: &ServerIdentity) -> Self {
        let certificate = |der: &Vec<u8>| CertificateDer::from(der.clone());
        Self {
            chain: identity.chain.iter().map(certificate).collect(),
            key: PrivatePkcs8KeyDer::from(identity.key.to_vec()).into(),
        }
    }

    /// TLS 1.2 and 1.3 under this identity.
    pub fn acceptor(self, clients: Clients) -> anyhow::Result<TlsAcceptor> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = AnyClient::new(&provider);
        let builder =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let builder = match clients {
            Clients::Anyone => builder.with_no_client_auth(),
            Clients::AskedForCertificate => builder.with_client_cert_verifier(Arc::new(verifier)),
        };
        let mut config = builder.with_single_cert(self.chain, self.key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        if clients == Clients::AskedForCertificate {
            // No session is resumed: each connection proves anew that it holds the key.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn certificates(path: &Path, section: &str) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let context = || format!("{section}.certificate {}", path.display());
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .with_context(context)?
        .collect::<Result<_, _>>()
        .with_context(context)?;
    if chain.is_empty() {
        bail!("{}: no certificate in it", context());
    }
    Ok(chain)
}

/// Takes any certificate whose key signs the handshake, and none at all.
#[derive(Debug)]
struct AnyClient {
    algorithms: WebPkiSupportedAlgorithms,
}

impl AnyClient {
    fn new(provider: &CryptoProvider) -> Self {
        Self {
            algorithms: provider.signature_verification_algorithms,
        }
    }
}

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
