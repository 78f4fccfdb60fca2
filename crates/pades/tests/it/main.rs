//! Signed PDFs, judged by software that is not ours: qpdf for the structure, pdfsig and pyHanko
//! for the signatures, made with CMS by OpenSSL.

mod corpus;
mod hostile;
mod judges;
mod refusals;
mod signer;
