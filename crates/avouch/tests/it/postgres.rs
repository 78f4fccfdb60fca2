//! The same, kept in PostgreSQL.

use testkit::{HttpSink, Postgres};

use crate::client::Dialect;
use crate::durability::{survive_every_step, survive_kills_while_signing};
use crate::harness::{Options, Sandbox, health};
use crate::workflow::{Way, run};

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_workflow_on_postgresql_with_kills_and_restarts() {
    let postgres = Postgres::start();
    let sink = HttpSink::start().await;
    let sandbox = Sandbox::start(Options {
        database: Some(postgres.url()),
        webhook_url: Some(sink.url("/hook")),
        ..Options::default()
    });
    let health = health(sandbox.description()).await;
    assert_eq!(health["database"], "PostgreSQL", "{health}");
    assert!(!sandbox.dir().join("avouch.db").exists());

    run(&sandbox, &sandbox.client(Dialect::New), Way::TokenAndCode).await;
    run(
        &sandbox,
        &sandbox.client(Dialect::Legacy),
        Way::CredentialsAndExternal,
    )
    .await;
    // Each run changes its status five times.
    assert_eq!(sink.wait_for(10).await.len(), 10);
    survive_every_step(&sandbox).await;
    survive_kills_while_signing(&sandbox, 6).await;
    let said = sandbox.audit();
    assert!(said.contains("each fits the one before it"), "{said}");
}
