//! Property tests of the rules that everything else stands on.

mod contact;
mod evidence;
mod otp;
mod profile;
mod status;
