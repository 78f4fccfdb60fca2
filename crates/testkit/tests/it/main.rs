//! The test kit is tested too: a judge that accepts everything would be worse than none.

mod judges;
mod postgres;
mod rooms;
mod sink;
mod smtp;
