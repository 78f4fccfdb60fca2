//! Which blobs the rows point at.

use std::collections::HashSet;

use crate::connection::Reader;
use crate::error::StoreError;
use crate::field::params;

/// Those of `blobs` that some row refers to. The others may be swept, if they are old enough that
/// no upload can still be on its way to a row.
pub async fn blobs_in_use(
    reader: &mut Reader,
    blobs: &[String],
) -> Result<HashSet<String>, StoreError> {
    let mut used = HashSet::new();
    for blob in blobs {
        let found = reader
            .optional(
                "SELECT 1 FROM evidence_image WHERE blob = $1 \
                 UNION ALL SELECT 1 FROM evidence_video WHERE blob = $1 \
                 UNION ALL SELECT 1 FROM document WHERE original_blob = $1 \
                 UNION ALL SELECT 1 FROM document WHERE signed_blob = $1 \
                 UNION ALL SELECT 1 FROM paper WHERE unsigned_blob = $1 \
                 UNION ALL SELECT 1 FROM paper WHERE approved_blob = $1 \
                 UNION ALL SELECT 1 FROM paper WHERE signed_blob = $1 \
                 UNION ALL SELECT 1 FROM attachment WHERE blob = $1 LIMIT 1",
                params![blob.as_str()],
                |_| Ok(()),
            )
            .await?;
        if found.is_some() {
            used.insert(blob.clone());
        }
    }
    Ok(used)
}
