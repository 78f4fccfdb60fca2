//! Twelve years of an archive: the program under clocks that run ahead. Servers appoint whom they can
//! by themselves, a diligent operator follows the notices of `avouch ca status`, and `avouch renew`
//! does what a running server does once a day.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};
use testkit::{Offline, pyhanko_offline, qpdf_check};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::acts::{House, approved, clock_off_by, moment, soon_after, verified};
use crate::client::Pks;
use crate::harness::avouch;
use crate::registration::client::text;

/// How far the walk goes.
const END: Duration = Duration::days(12 * 365);
/// Something is looked after so long before it ends; servers and archives do so earlier.
const IN_TIME: Duration = Duration::days(45);
/// Servers renew their certificates so long before they end.
const BY_THE_SERVER: Duration = Duration::days(90);

/// An installation at some time.
struct Era {
    house: House,
    passphrase: PathBuf,
    began: OffsetDateTime,
    /// How far its clocks are ahead.
    ahead: Duration,
    /// What makes clocks so.
    clock: [(String, String); 3],
}

/// A signed document, as it was fetched last.
struct Held {
    pks: Pks,
    uid: String,
    file: PathBuf,
}

impl Era {
    async fn begin(desk: &Path) -> Self {
        let house = House::start(&[]).await;
        let passphrase = desk.join("passphrase");
        let drawn = house.installation.printed("Its passphrase, shown once:");
        std::fs::write(&passphrase, drawn).expect("the folder is writable");
        #[expect(
            clippy::disallowed_methods,
            reason = "the program's clock is ahead of the machine's own"
        )]
        let began = OffsetDateTime::now_utc();
        Self {
            house,
            passphrase,
            began,
            ahead: Duration::ZERO,
            clock: clock_off_by("+0"),
        }
    }

    fn now(&self) -> OffsetDateTime {
        self.began + self.ahead
    }

    /// Puts the clocks on, and serves again.
    fn serve_after(&mut self, ahead: Duration) {
        self.ahead = Duration::days(ahead.whole_days());
        self.clock = clock_off_by(&format!("+{}d", ahead.whole_days()));
        let clock = self.clock.each_ref();
        let clock = clock.map(|(name, value)| (name.as_str(), value.as_str()));
        self.house.serve(&clock);
    }

    /// The program under this era's clock.
    fn avouch(&self, arguments: &[&str]) -> Command {
        let mut command = avouch();
        command.envs(self.clock.clone()).args(arguments);
        command
            .arg("--config")
            .arg(self.house.installation.config());
        command
    }

    #[track_caller]
    fn done(mut command: Command) -> String {
        let output = command.output().expect("the program starts");
        let complaint = String::from_utf8_lossy(&output.stderr);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{complaint}");
        said
    }

    /// Who holds which office.
    fn holders(&self) -> Vec<Value> {
        let said = Self::done(self.avouch(&["ca", "status", "--json"]));
        serde_json::from_str(&said).expect("JSON")
    }

    /// When something that is in use ends next, of what somebody can still prolong.
    fn next_end(&self) -> OffsetDateTime {
        let holders = self.holders();
        let ends = holders.iter().filter(|one| one["in_use"] == true);
        let ends = ends.map(|one| instant(&one["not_after"]));
        let later = ends.filter(|end| *end - IN_TIME > self.now() + Duration::DAY);
        later.min().expect("the root lasts longer")
    }

    /// Waits until the server has renewed what it can.
    async fn settled(&self) {
        let began = Instant::now();
        loop {
            let holders = self.holders();
            if !holders
                .iter()
                .any(|one| self.awaits_the_server(one, &holders))
            {
                return;
            }
            assert!(began.elapsed().as_secs() < 30, "{holders:#?}");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    /// Whether a server renews this certificate now, and still can.
    fn awaits_the_server(&self, holder: &Value, all: &[Value]) -> bool {
        let name = text(&holder["name"]);
        if !name.starts_with("time-stamping") && !name.starts_with("issuing-ocsp") {
            return false;
        }
        let issuer = |one: &&Value| one["key_identifier"] == holder["issuer_key_identifier"];
        let issuer = all.iter().find(issuer).expect("an issuing authority");
        let (end, last) = (instant(&holder["not_after"]), instant(&issuer["not_after"]));
        let is_near = end - self.now() < BY_THE_SERVER;
        holder["in_use"] == true && is_near && end < last && self.now() < last
    }

    /// Does what the notices say.
    fn obey(&self) {
        let key = self.house.installation.dir().join("offline/root.key.pem");
        for holder in self.holders() {
            let notice = holder["notice"].as_str().unwrap_or_default();
            let command = match notice.split_once("avouch ca ") {
                Some((_, command)) => command.split(' '),
                None => continue,
            };
            let words: Vec<_> = ["ca"].into_iter().chain(command).collect();
            let mut command = self.avouch(&words);
            command.arg("--root-key").arg(&key);
            command.arg("--passphrase-file").arg(&self.passphrase);
            Self::done(command);
        }
    }

    async fn signed(&self, level: &str) -> (Pks, String) {
        let client = self.house.client();
        let pks = approved(&client).await;
        let uid = client.agreement(pks).await;
        let code = self.house.code(pks).await;
        let order = json!({ "secret": code, "signature": { "level": level } });
        let signed = client.sign(pks, &order).await;
        signed.said("Documents correctly signed");
        (pks, uid)
    }

    async fn fetch(&self, held: &Held) {
        let client = self.house.client();
        let pdf = client.document(held.pks, "signed", &held.uid).await.pdf();
        std::fs::write(&held.file, &pdf).expect("the folder is writable");
    }

    /// What `avouch verify` says of a file now.
    #[track_caller]
    fn judged(&self, file: &Path) -> Value {
        let at = self.now().format(&Rfc3339).expect("a time");
        verified(&self.house.root(), &[file.to_owned()], &["--at", &at]).remove(0)
    }

    /// The level of a file, which must be valid now.
    #[track_caller]
    fn level_of(&self, file: &Path) -> String {
        let report = self.judged(file);
        assert_eq!(report["valid"], true, "at {}: {report:#}", self.now());
        text(&report["signatures"][0]["level"]).to_owned()
    }

    /// The units behind a file's document time-stamps, oldest first.
    fn units_of(&self, file: &Path) -> Vec<String> {
        let report = self.judged(file);
        let stamps = report["document_time_stamps"].as_array().expect("a list");
        let names = stamps.iter().map(|one| text(&one["unit"]["common_name"]));
        names.map(str::to_owned).collect()
    }

    /// When a certificate of the authorities ends.
    fn end_of(&self, name: &str) -> OffsetDateTime {
        let holders = self.holders();
        let holder = holders.iter().find(|one| one["name"] == name);
        instant(&holder.expect(name)["not_after"])
    }

    /// By the file alone, for as long as its newest answers are fresh.
    #[track_caller]
    fn must_convince_pyhanko(&self, file: &Path) {
        let pdf = std::fs::read(file).expect("it was fetched");
        let at = moment(soon_after(&pdf));
        let judged = pyhanko_offline(&at, &[file], &self.house.root(), Offline::FileAlone);
        let report = &judged[0][0];
        assert_eq!(report.ades, "PASSED", "at {at}: {report:?}");
    }
}

fn instant(value: &Value) -> OffsetDateTime {
    OffsetDateTime::parse(text(value), &Rfc3339).expect("a time")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_outlives_its_time_stamping_units_and_the_authority_that_appointed_them() {
    let desk = tempfile::tempdir().expect("a temporary folder");
    let mut era = Era::begin(desk.path()).await;
    let mut archive = Vec::new();
    for level in ["LTV", "LTVA"] {
        let (pks, uid) = era.signed(level).await;
        let file = desk.path().join(format!("{level}.pdf"));
        archive.push(Held { pks, uid, file });
    }
    for held in &archive {
        era.fetch(held).await;
    }
    let files: Vec<_> = archive.iter().map(|held| held.file.clone()).collect();
    let [short, long] = files.as_slice() else {
        panic!("{files:?}");
    };
    assert_eq!(era.level_of(short), "B-LT");
    assert_eq!(era.level_of(long), "B-LTA");
    let authority_ends = era.end_of("issuing");

    let mut stops = 0;
    while era.ahead < END {
        stops += 1;
        assert!(stops < 20, "time stands still at {}", era.now());
        let before = era.units_of(long);
        // Not killed: what fakes a program's clock would leave its traces in the machine's memory.
        era.house.installation.terminate();
        let next = era.next_end() - IN_TIME - era.began;
        era.serve_after(next.min(END));
        // Nothing has run out while nobody looked.
        era.level_of(short);
        assert_eq!(era.level_of(long), "B-LTA");
        era.settled().await;
        era.obey();
        Era::done(era.avouch(&["renew"]));
        let again = Era::done(era.avouch(&["renew"]));
        assert!(again.contains("0 files are due"), "{again}");
        for held in &archive {
            era.fetch(held).await;
        }
        let is_new = era.units_of(long) > before;
        // pyHanko goes back beyond the end of a unit, but not of an authority.
        if is_new && era.now() < authority_ends {
            era.must_convince_pyhanko(long);
        }
    }
    for file in &files {
        assert_eq!(era.level_of(file), "B-LTA");
        qpdf_check(file).must_accept();
    }
    let units = era.units_of(long);
    let distinct: BTreeSet<_> = units.iter().collect();
    assert_eq!(distinct.len(), 3, "{units:?}");
    assert!(units.len() < 10, "{units:?}");
    assert!(authority_ends < era.now());
    assert!(era.end_of("issuing-2") > era.now());
    era.house.installation.terminate();
}
