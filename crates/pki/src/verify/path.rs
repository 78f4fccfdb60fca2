//! Paths from a certificate up to a trusted one (RFC 5280 §6, without policies and names).

use std::collections::HashMap;
use std::sync::Arc;

use super::{Certificate, Purpose, VerifyError};

/// Certificates between a signer and its root, at most.
const MAX_LENGTH: usize = 8;
/// Paths that are tried for one certificate, at most.
const MAX_PATHS: usize = 16;
/// Signatures that are verified in search of issuers, at most: files may bring crowds of
/// certificates that all bear one name.
const MAX_CHECKS: usize = 2_000;

/// Finds issuers among known certificates, and remembers who issued whom.
pub struct Issuers {
    anchors: Vec<Arc<Certificate>>,
    others: Vec<Arc<Certificate>>,
    /// By fingerprints: issuer, certificate.
    known: HashMap<([u8; 32], [u8; 32]), bool>,
    checks_left: usize,
}

/// A certificate and those above it, up to a trusted one.
#[derive(Debug, Clone)]
pub struct Path {
    certificates: Vec<Arc<Certificate>>,
}

impl Issuers {
    /// `anchors` are trusted whatever they say about themselves; `others` may stand in between.
    pub fn new(anchors: Vec<Arc<Certificate>>, others: Vec<Arc<Certificate>>) -> Self {
        Self {
            anchors,
            others,
            known: HashMap::new(),
            checks_left: MAX_CHECKS,
        }
    }

    /// The trusted certificates.
    pub fn anchors(&self) -> impl Iterator<Item = &Arc<Certificate>> {
        self.anchors.iter()
    }

    /// All certificates that are known, the trusted ones first.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Certificate>> {
        self.anchors.iter().chain(&self.others)
    }

    /// The paths from `certificate` to trusted ones, the shortest first; empty where there is
    /// none.
    pub fn paths(&mut self, certificate: &Arc<Certificate>) -> Vec<Path> {
        let mut finished = Vec::new();
        let mut open = std::collections::VecDeque::from([vec![Arc::clone(certificate)]]);
        while let Some(path) = open.pop_front() {
            let Some(top) = path.last().cloned() else {
                continue;
            };
            if self.anchors.iter().any(|anchor| anchor.der() == top.der()) {
                finished.push(Path { certificates: path });
                continue;
            }
            if finished.len() + open.len() >= MAX_PATHS || path.len() > MAX_LENGTH {
                continue;
            }
            for issuer in self.issuers_of(&top) {
                if path.iter().all(|one| one.der() != issuer.der()) {
                    let mut longer = path.clone();
                    longer.push(issuer);
                    open.push_back(longer);
                }
            }
        }
        finished
    }

    /// The certificates whose keys signed this one, the trusted ones first.
    pub fn issuers_of(&mut self, certificate: &Arc<Certificate>) -> Vec<Arc<Certificate>> {
        let candidates: Vec<_> = self
            .all()
            .filter(|candidate| candidate.subject() == certificate.issuer())
            .cloned()
            .collect();
        candidates
            .into_iter()
            .filter(|candidate| self.issued(candidate, certificate))
            .collect()
    }

    fn issued(&mut self, issuer: &Arc<Certificate>, certificate: &Arc<Certificate>) -> bool {
        let key = (*issuer.fingerprint(), *certificate.fingerprint());
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        if self.checks_left == 0 {
            return false;
        }
        self.checks_left -= 1;
        let issued = certificate.is_issued_by(issuer);
        self.known.insert(key, issued);
        issued
    }
}

impl Path {
    /// From the end entity up to the trusted certificate.
    pub fn certificates(&self) -> &[Arc<Certificate>] {
        &self.certificates
    }

    /// All but the trusted certificate at its end, whose trust comes from whoever gave it. A
    /// signer that is trusted itself is judged all the same.
    pub fn judged(&self) -> &[Arc<Certificate>] {
        match self.certificates.as_slice() {
            [below @ .., _] if !below.is_empty() => below,
            alone => alone,
        }
    }

    /// Whether everybody on it was allowed to do what they did, or [`VerifyError::Purpose`].
    pub fn check_purposes(&self, purpose: Purpose) -> Result<(), VerifyError> {
        let mut certificates = self.certificates.iter();
        if let Some(end) = certificates.next() {
            end.serves(purpose)?;
        }
        for (below, authority) in certificates.enumerate() {
            authority.may_issue(below)?;
        }
        Ok(())
    }
}
