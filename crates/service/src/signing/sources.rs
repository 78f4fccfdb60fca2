//! Pictures and metadata that an order names.

use crate::{Error, Service};

impl Service {
    /// The picture that was uploaded under this identifier, PNG.
    pub(super) async fn named_picture(&self, _uid: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(None)
    }

    /// The metadata that was stored under this identifier, as a DER Attribute.
    pub(super) async fn named_metadata(&self, _uid: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(None)
    }
}
