//! A PostgreSQL of the tests' own: one temporary cluster per test process, one database per caller.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

use crate::tools::{finish, tool};

/// An empty database, dropped with this value.
///
/// The cluster behind it starts with the first database of the process, on a random port of
/// 127.0.0.1, and ends with the process, however that ends. It does not survive a power cut
/// (`fsync=off`), only a killed Avouch.
#[derive(Debug)]
pub struct Postgres {
    database: String,
}

impl Postgres {
    /// Creates an empty database.
    ///
    /// # Panics
    ///
    /// When PostgreSQL is not installed or does not start, with what it said.
    pub fn start() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let database = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        cluster().execute(&format!("CREATE DATABASE {database}"));
        Self { database }
    }

    /// Where it is: `postgres://USER:PASSWORD@127.0.0.1:PORT/DATABASE`.
    pub fn url(&self) -> String {
        cluster().url(&self.database)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // A failing test must keep its own message, and the cluster goes away as a whole anyway.
        if !std::thread::panicking() {
            cluster().execute(&format!("DROP DATABASE {} WITH (FORCE)", self.database));
        }
    }
}

/// Holds standard input of the script below open for as long as the process lives.
#[derive(Debug)]
struct Cluster {
    port: u16,
    password: String,
    _supervisor: Mutex<(Child, ChildStdin)>,
}

/// Makes and starts the cluster, says "ready", and takes everything away again when its standard
/// input ends: the kernel closes that pipe whichever way the test process dies.
const SUPERVISOR: &str = r#"
trap '' INT TERM HUP
bin=$1 dir=$2 port=$3
cd "$dir" || exit 1
clean() { cd / && rm -rf "$dir"; }
"$bin/initdb" -D "$dir/data" -U avouch --pwfile="$dir/password" --auth=scram-sha-256 \
  --encoding=UTF8 --locale=C.UTF-8 --no-sync >"$dir/log" 2>&1 &&
"$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 120 -o "-p $port -k '$dir' -h 127.0.0.1 \
  -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=300 \
  -c shared_buffers=32MB" start >>"$dir/log" 2>&1 ||
{ cat "$dir/log" "$dir/data/log" 2>/dev/null; clean; exit 1; }
echo ready
cat >/dev/null
"$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1
clean
"#;

fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        // Somebody else may take the port between our look and the server's start.
        let mut last = String::new();
        for _ in 0..5 {
            match Cluster::start() {
                Ok(cluster) => return cluster,
                Err(said) => last = said,
            }
        }
        panic!("PostgreSQL does not start:\n{last}")
    })
}

impl Cluster {
    fn start() -> Result<Self, String> {
        let initdb = tool("initdb")
            .canonicalize()
            .expect("initdb was just found");
        let programs = initdb
            .parent()
            .expect("a program lies in a folder")
            .to_owned();
        let folder = tempfile::Builder::new()
            .prefix("avouch-postgres-")
            .tempdir()
            .expect("a temporary folder for the cluster")
            .keep();
        let password = random_hex();
        fs::write(folder.join("password"), &password).expect("the temporary folder is writable");
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .expect("a free port on the loopback interface")
            .port();

        let mut command = unprivileged(&folder);
        let mut supervisor = command
            .args(["sh", "-c", SUPERVISOR, "supervisor"])
            .args([&programs, &folder])
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let stdin = supervisor.stdin.take().expect("piped above");
        let mut stdout = BufReader::new(supervisor.stdout.take().expect("piped above"));
        let mut said = String::new();
        stdout
            .read_line(&mut said)
            .expect("the supervisor's output is text");
        if said.trim() == "ready" {
            let supervisor = Mutex::new((supervisor, stdin));
            return Ok(Self {
                port,
                password,
                _supervisor: supervisor,
            });
        }
        let _ = stdout.read_to_string(&mut said);
        let _ = supervisor.wait();
        Err(said)
    }

    fn url(&self, database: &str) -> String {
        format!(
            "postgres://avouch:{}@127.0.0.1:{}/{database}",
            self.password, self.port
        )
    }

    fn execute(&self, statement: &str) {
        let mut psql = Command::new(tool("psql"));
        psql.args([
            "--quiet",
            "--no-psqlrc",
            "--set=ON_ERROR_STOP=1",
            "--command",
            statement,
        ])
        .arg("--dbname")
        .arg(format!(
            "postgres://avouch@127.0.0.1:{}/postgres",
            self.port
        ))
        .env("PGPASSWORD", &self.password);
        finish(&mut psql, b"").must_accept();
    }
}

/// PostgreSQL refuses to run as root, so root hands the folder to a lesser user first.
fn unprivileged(folder: &Path) -> Command {
    let is_root = finish(Command::new("id").arg("-u"), b"").text().trim() == "0";
    if !is_root {
        return Command::new("env");
    }
    // Debian's package brings this user.
    finish(
        Command::new("chown").args(["-R", "postgres"]).arg(folder),
        b"",
    )
    .must_accept();
    let mut command = Command::new(tool("setpriv"));
    command.args([
        "--reuid",
        "postgres",
        "--regid",
        "postgres",
        "--clear-groups",
        "--",
    ]);
    command
}

fn random_hex() -> String {
    let mut bytes = [0; 16];
    fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .expect("the kernel's random source");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
