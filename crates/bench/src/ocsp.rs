//! OCSP answers that are signed already, and those of `openssl ocsp`.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use model::RequestPk;

use crate::Place;
use crate::cost::{Costs, Needs};
use crate::crowd::Rounds;
use crate::house::{House, hash};
use crate::report::{Asked, Report};

const ROUNDS: usize = 5;
const CERTIFICATES: usize = 64;
const ANSWERS: usize = 40_000;
const PEER_ANSWERS: usize = 300;

/// Answers a crowd's questions about some certificates, by turns with the peer.
pub async fn measure(
    house: &House,
    place: &Place,
    costs: &Costs,
    report: &mut Report,
) -> anyhow::Result<()> {
    let folder = place.work.join("openssl ocsp");
    fs::create_dir_all(&folder)?;
    let template = house.approved(vec![hash(b"asked about")]).await?;
    let mut serials = Vec::new();
    for request in house.copies(template, CERTIFICATES).await? {
        serials.push(issued(house, request).await?);
    }
    let issuer = folder.join("issuer.der");
    let certificate = house.service.issuing_certificate(None);
    fs::write(&issuer, certificate.context("no issuing authority")?)?;
    let questions = serials
        .iter()
        .map(|serial| question(&folder, serial))
        .collect::<anyhow::Result<Vec<_>>>()?;
    for question in &questions {
        house.service.ocsp(question).await?;
    }
    let peer = Peer::start(&folder, &serials)?;
    let client = reqwest::Client::builder().no_proxy().build()?;

    let (mut rounds, mut theirs) = (Rounds::default(), Vec::new());
    for _ in 0..ROUNDS {
        let service = house.service.clone();
        let one = move |question: Vec<u8>| {
            let service = service.clone();
            async move {
                service.ocsp(&question).await?;
                Ok(())
            }
        };
        let asked = questions.iter().cycle().take(ANSWERS).cloned().collect();
        rounds.play(asked, one).await?;
        theirs.push(peer.rate(&client, &questions).await?);
    }
    // What signing each of them anew would allow.
    let limit = costs.limit(&Needs {
        keys: 0.0,
        signatures: 1.0,
        bytes: 0.0,
    });
    rounds.tell_beside_openssl("ocsp", Asked::AtLeast(5000.0), limit, theirs, report);
    Ok(())
}

/// The serial number of the certificate that an act of signing issues.
async fn issued(house: &House, request: RequestPk) -> anyhow::Result<String> {
    house.sign(request).await?;
    Ok(house.certificate_of(request).await?.0)
}

/// A question as OpenSSL puts it, DER.
fn question(folder: &Path, serial: &str) -> anyhow::Result<Vec<u8>> {
    let path = folder.join("question.der");
    let mut command = Command::new("openssl");
    command.args(["ocsp", "-no_nonce", "-issuer"]);
    command.arg(folder.join("issuer.der"));
    command.args(["-serial", &format!("0x{serial}"), "-reqout"]);
    let done = command.arg(&path).output()?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "openssl ocsp: {said}");
    Ok(fs::read(path)?)
}

/// OpenSSL's responder, which signs each answer and serves one caller after the other.
struct Peer {
    process: Child,
    url: String,
}

impl Peer {
    fn start(folder: &Path, serials: &[String]) -> anyhow::Result<Self> {
        let file = |name: &str| -> PathBuf { folder.join(name) };
        let mut index = fs::File::create(file("index.txt"))?;
        for serial in serials {
            let serial = serial.to_uppercase();
            // It wants names to be unique.
            writeln!(index, "V\t351231235959Z\t\t{serial}\tunknown\t/CN={serial}")?;
        }
        let mut command = Command::new("openssl");
        command.args(["req", "-x509", "-new", "-newkey", "ec", "-pkeyopt"]);
        command.args(["ec_paramgen_curve:P-256", "-nodes", "-days", "2"]);
        command.args(["-subj", "/CN=Peer", "-keyout"]);
        command.arg(file("key.pem")).arg("-out");
        let done = command.arg(file("signer.pem")).output()?;
        ensure!(done.status.success(), "openssl req failed");

        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new("openssl");
        command.args(["ocsp", "-port", &port.to_string(), "-index"]);
        command
            .arg(file("index.txt"))
            .arg("-CA")
            .arg(file("issuer.der"));
        command.arg("-rsigner").arg(file("signer.pem"));
        command.arg("-rkey").arg(file("key.pem"));
        let process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let url = format!("http://127.0.0.1:{port}/");
        Ok(Self { process, url })
    }

    async fn rate(&self, client: &reqwest::Client, questions: &[Vec<u8>]) -> anyhow::Result<f64> {
        self.wait(client, &questions[0]).await?;
        let start = Instant::now();
        for question in questions.iter().cycle().take(PEER_ANSWERS) {
            self.ask(client, question).await?;
        }
        Ok(PEER_ANSWERS as f64 / start.elapsed().as_secs_f64())
    }

    async fn wait(&self, client: &reqwest::Client, question: &[u8]) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            match self.ask(client, question).await {
                Err(_) if Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                done => return done,
            }
        }
    }

    async fn ask(&self, client: &reqwest::Client, question: &[u8]) -> anyhow::Result<()> {
        let ask = client
            .post(&self.url)
            .header("content-type", "application/ocsp-request")
            .body(question.to_vec());
        let answer = ask.send().await?.error_for_status()?.bytes().await?;
        ensure!(answer.len() > 100, "the peer refuses to answer");
        Ok(())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
