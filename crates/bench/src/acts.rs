//! Acts of signing: certificate, three documents and the contract, everything durable.

use std::time::Instant;

use service::NewContent;

use crate::Place;
use crate::cost::{BareDisk, Costs, Needs};
use crate::crowd::Rounds;
use crate::house::{House, hash};
use crate::paper::pdf_of;
use crate::pyhanko::PyHanko;
use crate::report::{Asked, Figure, Report, percentile};
use crate::sign::Identity;

const DOCUMENTS: usize = 3;
const SIZE: usize = 100 << 10;
/// About the size of a signed contract, for the disk's own share.
const CONTRACT: usize = 100 << 10;
const ROUNDS: usize = 5;
/// Acts a round, so that each takes about two seconds.
const HASH_ACTS: usize = 2000;
const PDF_ACTS: usize = 600;
/// Acts of one client alone.
const IDLE_ACTS: usize = 60;
/// Documents that the peer signs in a round.
const PYHANKO: usize = 20;
/// Entries of the audit log that each act leaves.
const ENTRIES: usize = 2;

/// Certificate; four signatures, each with its time-stamp; an answer about revocation. Those about
/// authorities are kept.
const SIGNATURES: f64 = 1.0 + 2.0 * (DOCUMENTS as f64 + 1.0) + 1.0;

/// Signs by a crowd and by one client alone.
pub async fn measure(
    house: &House,
    place: &Place,
    costs: &Costs,
    report: &mut Report,
) -> anyhow::Result<()> {
    let pdf = pdf_of(SIZE);
    let hashes = (0..DOCUMENTS).map(|number| hash(&[number as u8])).collect();
    let hashes = house.approved(hashes).await?;
    let pdfs = vec![(); DOCUMENTS].into_iter();
    let pdfs = pdfs.map(|()| NewContent::Pdf(pdf.clone().into())).collect();
    let pdfs = house.approved(pdfs).await?;

    let mut pyhanko = PyHanko::start(&Identity::make()?, &pdf)?;
    let mut theirs = Vec::new();
    let (mut by_hash, mut by_pdf) = (Rounds::default(), Rounds::default());
    for _ in 0..ROUNDS {
        for (rounds, template, count) in [
            (&mut by_hash, hashes, HASH_ACTS),
            (&mut by_pdf, pdfs, PDF_ACTS),
        ] {
            let requests = house.copies(template, count).await?;
            let signing = house.clone();
            let one = move |request| {
                let house = signing.clone();
                async move { house.sign(request).await }
            };
            rounds.play(requests, one).await?;
        }
        theirs.push(PYHANKO as f64 / pyhanko.sign(PYHANKO)?);
    }
    let needs = |bytes: usize| Needs {
        keys: 1.0,
        signatures: SIGNATURES,
        bytes: bytes as f64,
    };
    let limit = costs.limit(&needs(CONTRACT));
    by_hash.tell("sign_hash", Asked::AtLeast(1000.0), limit, report);
    let limit = costs.limit(&needs(CONTRACT + DOCUMENTS * SIZE));
    let ratios = by_pdf.per_second().iter().zip(&theirs);
    let ratios = ratios.map(|(acts, theirs)| acts * DOCUMENTS as f64 / theirs);
    let ratio = Figure::median("sign_blt_ratio_to_pyhanko", "", ratios.collect());
    by_pdf.tell("sign_blt", Asked::AtLeast(400.0), limit, report);
    report.add(Figure::median("sign_blt_pyhanko_docs_s", "docs/s", theirs).explaining());
    report.add(ratio);
    alone(house, pdfs, place, report).await?;
    house
        .check_audit(ENTRIES * ROUNDS * (HASH_ACTS + PDF_ACTS))
        .await
}

/// One client and an idle server, by turns with the disk alone.
async fn alone(
    house: &House,
    template: model::RequestPk,
    place: &Place,
    report: &mut Report,
) -> anyhow::Result<()> {
    let size = CONTRACT + DOCUMENTS * SIZE;
    let mut disk = BareDisk::open(&place.work.join("bare disk"), size)?;
    let (mut acts, mut flushes) = (Vec::new(), Vec::new());
    for request in house.copies(template, IDLE_ACTS).await? {
        flushes.push(disk.act()? * 1e3);
        let start = Instant::now();
        house.sign(request).await?;
        acts.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let beside = percentile(&acts, 0.5) - percentile(&flushes, 0.5);
    let beside = Figure::valued("sign_blt_idle_beside_disk_ms", "ms", beside, vec![beside]);
    report.add(Figure::median("sign_blt_idle_ms", "ms", acts));
    report.add(Figure::median("sign_blt_idle_disk_ms", "ms", flushes));
    report.add(beside.asked(Asked::Below(10.0)));
    Ok(())
}
