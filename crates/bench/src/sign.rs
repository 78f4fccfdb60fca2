//! PAdES B-B signatures in process, on one core.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, ensure};
use crypto::{KeyAlgorithm, SigningKey, SoftwareKey, SystemEntropy, sha256};
use pades::{FieldTarget, SecurityStore, SignatureSpec};
use pki::cms::CmsSigner;
use pki::issuance::Validity;
use pki::profile::natural_person::{self, NaturalPerson, Posture, Qualification, Terms};
use pki::{AuthorityNames, AuthorityUrls, establish};
use time::OffsetDateTime;

use crate::paper::pdf_of;
use crate::pyhanko::PyHanko;
use crate::report::{Asked, Figure, Report};

const SIZE: usize = 100 << 10;
const ROUNDS: usize = 9;
/// Documents a round: about as long for each of the three.
const OURS: usize = 2000;
const LIMIT: usize = 4000;
const PYHANKO: usize = 20;

/// Signs with Avouch, with pyHanko, and with nothing but hash and signature, by turns.
pub fn measure(report: &mut Report) -> anyhow::Result<()> {
    let pdf = pdf_of(SIZE);
    let identity = Identity::make()?;
    let mut pyhanko = PyHanko::start(&identity, &pdf)?;
    for (who, signed) in [
        ("Avouch", sign(&pdf, &identity)?),
        ("pyHanko", pyhanko.signed()?),
    ] {
        ensure!(
            pyhanko.accepts(&signed)?,
            "pyHanko does not accept what {who} signed"
        );
    }

    let (mut ours, mut limit, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(rate(OURS, || sign(&pdf, &identity))?);
        limit.push(rate(LIMIT, || bare(&pdf, &identity))?);
        theirs.push(PYHANKO as f64 / pyhanko.sign(PYHANKO)?);
    }
    let ratios = |others: &[f64]| {
        ours.iter()
            .zip(others)
            .map(|(ours, other)| ours / other)
            .collect()
    };
    let to_pyhanko = Figure::median("sign_bb_ratio_to_pyhanko", "", ratios(&theirs));
    let to_limit = Figure::median("sign_bb_ratio_to_limit", "", ratios(&limit));
    report.add(Figure::median("sign_bb_docs_s", "docs/s", ours).asked(Asked::AtLeast(2000.0)));
    report.add(Figure::median("sign_bb_pyhanko_docs_s", "docs/s", theirs).explaining());
    report.add(to_pyhanko);
    report.add(Figure::median("sign_bb_limit_docs_s", "docs/s", limit).explaining());
    report.add(to_limit);
    Ok(())
}

/// A signer with a certificate of our own authority, as `avouch` issues them.
pub struct Identity {
    /// The signer's key.
    pub key: SoftwareKey,
    /// The signer's certificate, DER.
    pub certificate: Vec<u8>,
    /// The issuing authority's certificate, DER.
    pub issuing: Vec<u8>,
    /// The root's certificate, DER.
    pub root: Vec<u8>,
    now: OffsetDateTime,
}

impl Identity {
    /// Makes the authority, a key and its certificate.
    #[expect(
        clippy::disallowed_methods,
        reason = "a certificate that pyHanko finds valid today"
    )]
    pub fn make() -> anyhow::Result<Self> {
        let now = OffsetDateTime::now_utc();
        let names = AuthorityNames {
            country: "ES".to_owned(),
            organisation: "Avouch Bench".to_owned(),
            organisation_identifier: None,
            prefix: "Bench".to_owned(),
        };
        let urls = AuthorityUrls::at("http://127.0.0.1");
        let made = establish(&names, &urls, now, &SystemEntropy)?;
        let issuer = made.issuing.issuer(&urls)?;
        let issuing = made.issuing.certificate;
        let person = NaturalPerson {
            given_name: "Ana".to_owned(),
            surname: "Ejemplo Muestra".to_owned(),
            common_name: "Ana Ejemplo Muestra".to_owned(),
            country: "ES".to_owned(),
            semantic_serial_number: "IDCES-X0000000T".to_owned(),
            email: Some("ana@example.com".to_owned()),
            organisation: None,
        };
        let terms = Terms {
            validity: Validity::starting(now, Validity::ONE_DAY),
            qualification: &Qualification::None,
            policy: None,
            practice_statement: None,
        };
        let key = SoftwareKey::generate(KeyAlgorithm::EcdsaP256)?;
        let public = key.public_key_info();
        let (posture, entropy) = (Posture::default(), &SystemEntropy);
        let draft = natural_person::draft(&issuer, &person, &terms, posture, public, entropy)?;
        let certificate = draft.lint()?.record()?.sign(&issuer)?.into_certificate();
        Ok(Self {
            key,
            certificate,
            issuing,
            root: made.root.certificate,
            now,
        })
    }
}

/// Everything that one document takes: nothing is carried over from one to the next.
fn sign(pdf: &[u8], identity: &Identity) -> anyhow::Result<Vec<u8>> {
    let chain = [identity.issuing.clone()];
    let signer = CmsSigner::new(&identity.key, &identity.certificate, &chain)?;
    let spec = SignatureSpec {
        field: FieldTarget::New("Signature".to_owned()),
        name: Some("Ana Ejemplo Muestra".to_owned()),
        reason: None,
        location: None,
        contact: None,
        signing_time: identity.now,
        appearance: None,
        security_store: SecurityStore::default(),
        reserve: signer.max_size(None),
    };
    let prepared = pades::prepare(pdf, &spec)?;
    let cms = signer.sign(&prepared.digest(), None)?;
    Ok(prepared.embed(pdf, &cms)?)
}

/// What nobody can do without: SHA-256 over the file and one signature.
fn bare(pdf: &[u8], identity: &Identity) -> anyhow::Result<Vec<u8>> {
    Ok(identity.key.sign(&sha256(black_box(pdf)))?)
}

/// Documents a second.
fn rate<T>(documents: usize, one: impl Fn() -> anyhow::Result<T>) -> anyhow::Result<f64> {
    let start = Instant::now();
    for _ in 0..documents {
        black_box(one().context("cannot sign")?);
    }
    Ok(documents as f64 / start.elapsed().as_secs_f64())
}
