//! `avouch ra`, `rao`, `api-user` and `scratchcard`: the operator's part of registration.
//!
//! They work on the stores directly, whether or not the server runs, through the same use cases
//! and with the same audit entries as calls to the API.

pub mod authorities;
pub mod office;
pub mod officers;
pub mod output;
pub mod scratchcards;
pub mod settings;
pub mod users;

pub use office::{Office, configuration_of};

/// All entries of a list that comes in pages.
async fn all<T, F>(mut page: impl FnMut(i64) -> F) -> anyhow::Result<Vec<T>>
where
    F: Future<Output = Result<service::registration::Page<T>, service::Error>>,
{
    let mut found = Vec::new();
    for number in 1.. {
        let next = page(number).await?;
        let (total, none) = (next.total, next.items.is_empty());
        found.extend(next.items);
        if none || found.len() as i64 >= total {
            break;
        }
    }
    Ok(found)
}
