//! Signed PDFs, judged by software that is not ours: qpdf for the structure, pdfsig and pyHanko
//! for the signatures, made with CMS by OpenSSL and by our own `pki`.

mod appearance;
mod authority;
mod changes;
mod claims;
mod corpus;
mod encrypted;
mod fields;
mod hostile;
mod judges;
mod own_cms;
mod pages;
mod places;
mod raw;
mod real_files;
mod refusals;
mod rendering;
mod repair;
mod security;
mod settled;
mod signer;
