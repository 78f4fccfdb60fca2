//! Signed PDFs, judged by software that is not ours: qpdf for the structure, pdfsig and pyHanko
//! for the signatures, made with CMS by OpenSSL and by our own `pki`.

mod authority;
mod corpus;
mod hostile;
mod judges;
mod own_cms;
mod real_files;
mod refusals;
mod signer;
