//! What every request passes through.

pub(crate) mod access_log;
pub(crate) mod in_flight;
pub(crate) mod panic;
pub(crate) mod path;
pub(crate) mod request_id;
pub(crate) mod routing;
pub(crate) mod security;
