//! What a file brings along for its own validation, and since when each piece is proven to exist.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crypto::sha256;
use pades::SecurityStore;
use pki::verify::{Certificate, Container, OcspResponse, RevocationList, SignedData, Signer};
use time::OffsetDateTime;

/// Pieces of one kind, at most: honest files have dozens.
const MAX_PIECES: usize = 4_096;

/// SHA-256 of a piece.
pub(crate) type Fingerprint = [u8; 32];

/// Certificates and revocation data, each once.
#[derive(Default)]
pub(crate) struct Evidence {
    certificates: Vec<Arc<Certificate>>,
    ocsp_responses: Vec<Piece>,
    revocation_lists: Vec<Piece>,
    seen: HashSet<Fingerprint>,
    beside: HashSet<Fingerprint>,
}

struct Piece {
    fingerprint: Fingerprint,
    der: Vec<u8>,
}

/// A piece that was read.
pub(crate) struct Read<T> {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) value: T,
}

impl Evidence {
    /// Takes in what a container carries; returns the fingerprints of its pieces.
    pub(crate) fn add_container(&mut self, container: &SignedData<'_>) -> Vec<Fingerprint> {
        let archives = container.signers.iter().map(Signer::archived_revocation);
        let archives: Vec<_> = archives.collect();
        let ocsp_responses = archives.iter().flat_map(|one| slices(&one.ocsp_responses));
        let ocsp_responses = ocsp_responses.chain(container.ocsp_responses.iter().copied());
        let lists = archives
            .iter()
            .flat_map(|one| slices(&one.revocation_lists));
        let lists = lists.chain(container.revocation_lists.iter().copied());
        let mut pieces = Vec::new();
        self.add_certificates(container.certificates.iter().copied(), &mut pieces);
        self.add_ocsp_responses(ocsp_responses, &mut pieces);
        self.add_revocation_lists(lists, &mut pieces);
        pieces
    }

    /// Takes in a time-stamp token and what it carries; returns the fingerprints of its pieces.
    pub(crate) fn add_token(&mut self, token: &[u8]) -> Vec<Fingerprint> {
        let mut pieces = vec![sha256(token)];
        if let Ok(container) = Container::read(token)
            && let Ok(data) = container.signed_data()
        {
            pieces.extend(self.add_container(&data));
        }
        pieces
    }

    /// Takes in what a PDF keeps for all of its signatures; returns the fingerprints of its
    /// pieces.
    pub(crate) fn add_store(&mut self, store: &SecurityStore) -> Vec<Fingerprint> {
        let mut pieces = Vec::new();
        self.add_certificates(slices(&store.certificates), &mut pieces);
        self.add_ocsp_responses(slices(&store.ocsp_responses), &mut pieces);
        self.add_revocation_lists(slices(&store.revocation_lists), &mut pieces);
        pieces
    }

    /// Takes in lists that came beside the file. Those in the file are better proof of what is good.
    pub(crate) fn add_lists(&mut self, lists: &[Vec<u8>]) {
        let known = self.revocation_lists.len();
        self.add_revocation_lists(slices(lists), &mut Vec::new());
        let added = self.revocation_lists[known..].iter();
        self.beside.extend(added.map(|piece| piece.fingerprint));
    }

    /// What came beside the file.
    pub(crate) fn beside(&self) -> &HashSet<Fingerprint> {
        &self.beside
    }

    pub(crate) fn certificates(&self) -> &[Arc<Certificate>] {
        &self.certificates
    }

    pub(crate) fn ocsp_responses(&self) -> Vec<Read<OcspResponse<'_>>> {
        read(&self.ocsp_responses, |der| OcspResponse::read(der).ok())
    }

    pub(crate) fn revocation_lists(&self) -> Vec<Read<RevocationList<'_>>> {
        read(&self.revocation_lists, |der| RevocationList::read(der).ok())
    }

    fn add_certificates<'d>(
        &mut self,
        ders: impl IntoIterator<Item = &'d [u8]>,
        pieces: &mut Vec<Fingerprint>,
    ) {
        for der in ders {
            let fingerprint = sha256(der);
            pieces.push(fingerprint);
            if self.certificates.len() < MAX_PIECES
                && self.seen.insert(fingerprint)
                && let Ok(certificate) = Certificate::read(der)
            {
                self.certificates.push(Arc::new(certificate));
            }
        }
    }

    fn add_ocsp_responses<'d>(
        &mut self,
        ders: impl IntoIterator<Item = &'d [u8]>,
        pieces: &mut Vec<Fingerprint>,
    ) {
        for der in ders {
            let fingerprint = sha256(der);
            pieces.push(fingerprint);
            if let Ok(response) = OcspResponse::read(der) {
                self.add_certificates(response.certificates, pieces);
            }
            if self.ocsp_responses.len() < MAX_PIECES && self.seen.insert(fingerprint) {
                let der = der.to_vec();
                self.ocsp_responses.push(Piece { fingerprint, der });
            }
        }
    }

    fn add_revocation_lists<'d>(
        &mut self,
        ders: impl IntoIterator<Item = &'d [u8]>,
        pieces: &mut Vec<Fingerprint>,
    ) {
        for der in ders {
            let fingerprint = sha256(der);
            pieces.push(fingerprint);
            if self.revocation_lists.len() < MAX_PIECES && self.seen.insert(fingerprint) {
                let der = der.to_vec();
                self.revocation_lists.push(Piece { fingerprint, der });
            }
        }
    }
}

fn slices(list: &[Vec<u8>]) -> impl Iterator<Item = &[u8]> {
    list.iter().map(Vec::as_slice)
}

fn read<'a, T>(pieces: &'a [Piece], parse: impl Fn(&'a [u8]) -> Option<T>) -> Vec<Read<T>> {
    let one = |piece: &'a Piece| {
        parse(&piece.der).map(|value| Read {
            fingerprint: piece.fingerprint,
            value,
        })
    };
    pieces.iter().filter_map(one).collect()
}

/// Proofs of existence: since when a piece is known to be there (EN 319 102-1 §5.6.2.3).
pub(crate) struct Proofs {
    now: OffsetDateTime,
    since: HashMap<Fingerprint, OffsetDateTime>,
}

impl Proofs {
    /// Everything exists now.
    pub(crate) fn new(now: OffsetDateTime) -> Self {
        let since = HashMap::new();
        Self { now, since }
    }

    pub(crate) fn record(&mut self, fingerprint: Fingerprint, at: OffsetDateTime) {
        let since = self.since.entry(fingerprint).or_insert(at);
        *since = at.min(*since);
    }

    /// When this piece existed at the latest.
    pub(crate) fn of(&self, fingerprint: &Fingerprint) -> OffsetDateTime {
        self.proven(fingerprint).unwrap_or(self.now)
    }

    /// The same, if more than its presence proves it.
    pub(crate) fn proven(&self, fingerprint: &Fingerprint) -> Option<OffsetDateTime> {
        self.since.get(fingerprint).copied()
    }
}
