//! The dispatcher against real sockets and real databases.

mod house;
mod mail;
mod sms;
mod webhooks;
