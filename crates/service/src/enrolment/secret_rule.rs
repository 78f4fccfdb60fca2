//! What a PIN or a file's password must be like.

use secrecy::{ExposeSecret, SecretString};

use crate::Error;

/// Fewest characters.
const LENGTH: usize = 8;
/// Most characters.
const MOST: usize = 64;

/// Eight characters at least, two letters and two digits among them.
///
/// # Errors
///
/// [`Error::WeakSecret`].
pub(crate) fn check_secret(secret: &SecretString) -> Result<(), Error> {
    let text = secret.expose_secret();
    let count = |is: fn(char) -> bool| text.chars().filter(|c| is(*c)).count();
    let length = text.chars().count();
    if (LENGTH..=MOST).contains(&length)
        && count(char::is_alphabetic) >= 2
        && count(|c| c.is_ascii_digit()) >= 2
        && !text.chars().any(char::is_control)
    {
        Ok(())
    } else {
        Err(Error::WeakSecret)
    }
}
