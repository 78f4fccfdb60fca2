//! A request taken from the store and opened with its data key.

use std::str::FromStr;

use crypto::DataKey;
use model::subject::IdDocumentType;
use model::{Profile, RequestPk, Subject};
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{Reader, Tx};

use crate::registration::Caller;
use crate::{Error, Service};

/// A request's row, its data key and its subject in the clear.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) row: store::Request,
    pub(crate) key: DataKey,
    pub(crate) subject: Subject,
}

impl Case {
    pub(crate) fn pk(&self) -> RequestPk {
        self.row.pk
    }

    pub(crate) fn profile(&self) -> Result<&'static Profile, Error> {
        Profile::find(&self.row.profile)
            .ok_or_else(|| Error::ProfileNotAvailable(self.row.profile.clone()))
    }

    /// Seals a value under the request's data key. `what` tells sealed values apart, so that one
    /// can't be put in another's place.
    pub(crate) fn seal<T: Serialize>(
        &self,
        service: &Service,
        what: &str,
        value: &T,
    ) -> Result<Vec<u8>, Error> {
        seal(&self.key, self.pk(), service, what, value)
    }

    /// Opens what [`Case::seal`] sealed.
    pub(crate) fn unseal<T: DeserializeOwned>(
        &self,
        what: &str,
        sealed: &[u8],
    ) -> Result<T, Error> {
        let plain = self.key.open(&context(self.pk(), what), sealed)?;
        Ok(serde_json::from_slice(&plain)?)
    }
}

/// Seals a value under a request's data key, before there is a [`Case`].
pub(crate) fn seal<T: Serialize>(
    key: &DataKey,
    pk: RequestPk,
    service: &Service,
    what: &str,
    value: &T,
) -> Result<Vec<u8>, Error> {
    let plain = crypto::Zeroizing::new(serde_json::to_vec(value)?);
    Ok(key.seal(&context(pk, what), &plain, service.entropy()))
}

/// What the wrapped data key of a request is bound to.
pub(crate) fn key_context(pk: RequestPk) -> String {
    context(pk, "data-key")
}

fn context(pk: RequestPk, what: &str) -> String {
    format!("request {pk} {what}")
}

impl Service {
    /// The One-Shot request that `id` names as a VideoID's number or, failing that, as its own. A
    /// registration does not exist for that API, which asks for no client certificate.
    pub(crate) async fn find(&self, reads: &mut Reader, id: i64) -> Result<Case, Error> {
        one_shot(self.named(reads, id).await?, id)
    }

    /// As [`Service::find`], holding the row until the transaction ends.
    pub(crate) async fn lock(&self, tx: &mut Tx, id: i64) -> Result<Case, Error> {
        let pk = self.find(tx, id).await?.pk();
        self.relock(tx, pk).await
    }

    /// The own number of the request that [`Service::find`] finds.
    pub(crate) async fn number_of(&self, reads: &mut Reader, id: i64) -> Result<RequestPk, Error> {
        let row = store::requests::resolve(reads, id).await?;
        match row.filter(|row| !row.workflow.is_registration()) {
            Some(row) => Ok(row.pk),
            None => Err(Error::UnknownRequest(id.to_string())),
        }
    }

    /// As [`Service::find`], outside any lasting transaction.
    pub(crate) async fn peek(&self, id: i64) -> Result<Case, Error> {
        let mut reader = self.store().read().await?;
        self.find(&mut reader, id).await
    }

    /// A request that was found before, of whichever workflow.
    pub(crate) async fn reopen(&self, reads: &mut Reader, pk: RequestPk) -> Result<Case, Error> {
        let row = store::requests::get(reads, pk)
            .await?
            .ok_or_else(|| Error::UnknownRequest(pk.to_string()))?;
        self.open(row)
    }

    /// As [`Service::reopen`], holding the row until the transaction ends.
    pub(crate) async fn relock(&self, tx: &mut Tx, pk: RequestPk) -> Result<Case, Error> {
        let row = store::requests::lock(tx, pk)
            .await?
            .ok_or_else(|| Error::UnknownRequest(pk.to_string()))?;
        self.open(row)
    }

    /// As [`Service::relock`] for a case that was opened before: what is sealed in it is opened anew
    /// only where it changed.
    pub(crate) async fn relock_known(&self, tx: &mut Tx, known: &Case) -> Result<Case, Error> {
        let row = store::requests::lock(tx, known.pk())
            .await?
            .ok_or_else(|| Error::UnknownRequest(known.pk().to_string()))?;
        if (&row.data_key, &row.subject) != (&known.row.data_key, &known.row.subject) {
            return self.open(row);
        }
        Ok(Case {
            row,
            key: known.key.clone(),
            subject: known.subject.clone(),
        })
    }

    /// The registration that `id` names, if the caller sees it: what lies outside its authorities,
    /// and what came in by another API, does not exist for it.
    pub(crate) async fn scoped(
        &self,
        reads: &mut Reader,
        caller: &Caller,
        id: i64,
    ) -> Result<Case, Error> {
        visible(self.named(reads, id).await?, caller, id)
    }

    /// As [`Service::scoped`], holding the row until the transaction ends.
    pub(crate) async fn scoped_lock(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: i64,
    ) -> Result<Case, Error> {
        let pk = self.scoped(tx, caller, id).await?.pk();
        visible(self.relock(tx, pk).await?, caller, id)
    }

    /// As [`Service::scoped`], outside any lasting transaction.
    pub(crate) async fn scoped_peek(&self, caller: &Caller, id: i64) -> Result<Case, Error> {
        let mut reader = self.store().read().await?;
        self.scoped(&mut reader, caller, id).await
    }

    async fn named(&self, reads: &mut Reader, id: i64) -> Result<Case, Error> {
        let row = store::requests::resolve(reads, id)
            .await?
            .ok_or_else(|| Error::UnknownRequest(id.to_string()))?;
        self.open(row)
    }

    pub(crate) fn open(&self, row: store::Request) -> Result<Case, Error> {
        let key = DataKey::unwrap(self.master(), &key_context(row.pk), &row.data_key)?;
        let plain = key.open(&context(row.pk, "subject"), &row.subject)?;
        let subject = serde_json::from_slice(&plain)?;
        Ok(Case { row, key, subject })
    }
}

fn one_shot(case: Case, id: i64) -> Result<Case, Error> {
    if case.row.workflow.is_registration() {
        Err(Error::UnknownRequest(id.to_string()))
    } else {
        Ok(case)
    }
}

fn visible(case: Case, caller: &Caller, id: i64) -> Result<Case, Error> {
    if case.row.workflow.is_registration() && caller.sees(case.row.ra) {
        Ok(case)
    } else {
        Err(Error::UnknownRequest(id.to_string()))
    }
}

/// The document type that an OCR block names, or the default.
pub(crate) fn document_type(
    ocr: &serde_json::Map<String, serde_json::Value>,
) -> Result<IdDocumentType, <IdDocumentType as FromStr>::Err> {
    match text_of(ocr, "id_document_type") {
        Some(name) => name.parse(),
        None => Ok(IdDocumentType::default()),
    }
}

/// A member as text: strings as they are, numbers written out, blank ones as absent.
pub(crate) fn text_of(
    block: &serde_json::Map<String, serde_json::Value>,
    name: &str,
) -> Option<String> {
    let text = match block.get(name)? {
        serde_json::Value::String(text) => text.trim().to_owned(),
        serde_json::Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}
