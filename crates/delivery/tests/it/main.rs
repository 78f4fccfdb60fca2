//! The dispatcher against real sockets and real databases.

mod house;
mod sms;
mod webhooks;
