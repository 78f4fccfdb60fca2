//! Pictures and metadata that an order names.

use pki::{ObjectIdentifier, attributes};

use crate::{Error, Service};

impl Service {
    /// The picture that was uploaded under this identifier, PNG.
    pub(super) async fn named_picture(&self, uid: &str) -> Result<Option<Vec<u8>>, Error> {
        match self.image(uid).await {
            Ok(file) => Ok(Some(file.content.into())),
            Err(Error::UnknownImage(_)) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// The metadata that was stored under this identifier, as a DER Attribute.
    pub(super) async fn named_metadata(&self, uid: &str) -> Result<Option<Vec<u8>>, Error> {
        let metadata = match self.metadata(uid).await {
            Ok(metadata) => metadata,
            Err(Error::UnknownMetadata) => return Ok(None),
            Err(other) => return Err(other),
        };
        let oid = ObjectIdentifier::new(&metadata.oid)
            .map_err(|_| Error::Internal("metadata on record under no identifier".into()))?;
        Ok(Some(attributes::opaque(&oid, &metadata.content)))
    }
}
