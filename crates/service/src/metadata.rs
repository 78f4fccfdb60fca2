//! Metadata that signatures may carry: bytes under an object identifier, kept for later calls.

use model::MetadataUid;
use pki::{ObjectIdentifier, attributes};
use serde_json::json;
use store::Metadata;

use crate::advance::Actor;
use crate::{Error, Problems, Service};

/// No metadata may be larger than this, in bytes: every signature that carries it grows by that.
pub const MAX_METADATA_BYTES: usize = 64 << 10;

/// Metadata to keep.
pub struct NewMetadata {
    /// Its meaning, as a dotted object identifier.
    pub oid: String,
    /// The bytes.
    pub content: Vec<u8>,
}

/// Metadata that is kept.
#[derive(Clone)]
pub struct MetadataView {
    /// Its identifier.
    pub uid: MetadataUid,
    /// Its meaning, as a dotted object identifier.
    pub oid: String,
    /// The bytes.
    pub content: Vec<u8>,
}

impl Service {
    /// Keeps metadata.
    ///
    /// # Errors
    ///
    /// [`Error::Fields`] where the identifier is none, or one that signatures have of themselves,
    /// and where there are too many bytes.
    pub async fn store_metadata(&self, new: NewMetadata) -> Result<MetadataUid, Error> {
        let mut problems = Problems::default();
        match ObjectIdentifier::new(new.oid.trim()) {
            Err(_) => problems.invalid("metadata_oid", "must be a dotted object identifier"),
            Ok(oid) => {
                if let Err(refused) = attributes::check(&[attributes::opaque(&oid, &new.content)]) {
                    problems.invalid("metadata_oid", refused.to_string());
                }
            }
        }
        if new.content.len() > MAX_METADATA_BYTES {
            let reason = format!("must not have more than {MAX_METADATA_BYTES} bytes");
            problems.invalid("metadata", reason);
        }
        problems.check()?;

        let uid = MetadataUid::draw(self.entropy());
        let sealed = self
            .master()
            .seal(&context(uid), &new.content, self.entropy());
        let row = Metadata {
            uid,
            oid: new.oid.trim().to_owned(),
            sealed,
            stored_at: self.now(),
        };
        let mut tx = self.store().begin().await?;
        store::metadata::insert(&mut tx, &row).await?;
        let details = json!({ "metadata": uid.to_string() });
        self.record(&mut tx, Actor::Client, "metadata-stored", None, details)
            .await?;
        self.commit(tx).await?;
        Ok(uid)
    }

    /// One metadata.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownMetadata`].
    pub async fn metadata(&self, uid: &str) -> Result<MetadataView, Error> {
        let parsed = parse(uid)?;
        let mut reader = self.store().read().await?;
        let row = store::metadata::get(&mut reader, parsed)
            .await?
            .ok_or(Error::UnknownMetadata)?;
        self.opened(row)
    }

    /// All metadata, oldest first.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownMetadata`] where there is none.
    pub async fn all_metadata(&self) -> Result<Vec<MetadataView>, Error> {
        let mut reader = self.store().read().await?;
        let rows = store::metadata::list(&mut reader).await?;
        drop(reader);
        if rows.is_empty() {
            return Err(Error::UnknownMetadata);
        }
        rows.into_iter().map(|row| self.opened(row)).collect()
    }

    /// Deletes one metadata.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownMetadata`].
    pub async fn delete_metadata(&self, uid: &str) -> Result<(), Error> {
        let parsed = parse(uid)?;
        let mut tx = self.store().begin().await?;
        if !store::metadata::delete(&mut tx, parsed).await? {
            return Err(Error::UnknownMetadata);
        }
        let details = json!({ "metadata": parsed.to_string() });
        self.record(&mut tx, Actor::Client, "metadata-deleted", None, details)
            .await?;
        self.commit(tx).await
    }

    /// Deletes all metadata.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    pub async fn delete_all_metadata(&self) -> Result<(), Error> {
        let mut tx = self.store().begin().await?;
        let count = store::metadata::delete_all(&mut tx).await?;
        let details = json!({ "count": count });
        self.record(
            &mut tx,
            Actor::Client,
            "all-metadata-deleted",
            None,
            details,
        )
        .await?;
        self.commit(tx).await
    }

    fn opened(&self, row: Metadata) -> Result<MetadataView, Error> {
        let content = self.master().open(&context(row.uid), &row.sealed)?;
        Ok(MetadataView {
            uid: row.uid,
            oid: row.oid,
            content: content.to_vec(),
        })
    }
}

fn parse(uid: &str) -> Result<MetadataUid, Error> {
    uid.trim().parse().map_err(|_| Error::UnknownMetadata)
}

fn context(uid: MetadataUid) -> String {
    format!("metadata {uid}")
}
