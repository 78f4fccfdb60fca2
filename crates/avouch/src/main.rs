//! `avouch`: from a filmed identification to a certificate and a signed document, in one binary.

mod app;
mod audit;
mod ca;
mod cli;
mod config;
mod demo;
mod init;
mod installation;
mod key_home;
mod listeners;
mod log;
mod logging;
mod openapi;
mod register;
mod registration;
mod renew;
mod sandbox;
mod serve;
mod server;
mod stdout;
mod system;
mod verify;

use std::process::ExitCode;

use clap::Parser;

/// Its background thread returns what a crowd of requests needed and nobody needs any more.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let outcome = runtime.block_on(async {
        match cli.command {
            cli::Command::Init(options) => init::run(options).await,
            cli::Command::Serve(options) => serve::run(options).await,
            cli::Command::Sandbox(options) => sandbox::run(options).await,
            cli::Command::Demo(options) => demo::run(options).await,
            cli::Command::Ra(options) => registration::authorities::run(options).await,
            cli::Command::Rao(options) => registration::officers::run(options).await,
            cli::Command::ApiUser(options) => registration::users::run(options).await,
            cli::Command::Scratchcard(options) => registration::scratchcards::run(options).await,
            cli::Command::Ca(options) => ca::run(options).await,
            cli::Command::Log(options) => log::run(options).await,
            cli::Command::Register(options) => register::run(&options).await,
            cli::Command::Openapi(options) => openapi::run(&options),
            cli::Command::Renew(options) => renew::run(options).await,
            cli::Command::Audit(options) => audit::run(options).await,
            // Its exit status says more than that it did its work.
            cli::Command::Verify(options) => return Ok(verify::run(&options)),
        }
        .map(|()| ExitCode::SUCCESS)
    });
    // Blocking work that is still under way (a render, a key derivation) is not waited for: the
    // request it served is gone.
    runtime.shutdown_background();
    match outcome {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("avouch: {error:#}");
    ExitCode::FAILURE
}
