#[path = "it/client.rs"]
mod client;
#[path = "it/harness.rs"]
mod harness;
mod registration {
    #[path = "/work/main/crates/avouch/tests/it/registration/client.rs"]
    pub mod client;
    #[path = "/work/main/crates/avouch/tests/it/registration/endpoints.rs"]
    mod endpoints;
    #[path = "/work/main/crates/avouch/tests/it/registration/errors.rs"]
    mod errors;
    #[path = "/work/main/crates/avouch/tests/it/registration/lists.rs"]
    mod lists;
    #[path = "/work/main/crates/avouch/tests/it/registration/workflows.rs"]
    mod workflows;
}
