use sqlx::{Connection, PgConnection};
use testkit::Postgres;

async fn databases(connection: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar("SELECT datname FROM pg_database WHERE datname LIKE 'test_%' ORDER BY 1")
        .fetch_all(connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn each_caller_has_a_database_of_its_own_and_it_goes_away() {
    let (one, two) = (Postgres::start(), Postgres::start());
    assert_ne!(one.url(), two.url());
    let name = |url: String| url.rsplit('/').next().unwrap().to_owned();
    let (first, second) = (name(one.url()), name(two.url()));

    let mut left = PgConnection::connect(&one.url()).await.unwrap();
    let mut right = PgConnection::connect(&two.url()).await.unwrap();
    sqlx::query("CREATE TABLE only_here (n BIGINT)")
        .execute(&mut left)
        .await
        .unwrap();
    assert!(
        sqlx::query("SELECT n FROM only_here")
            .execute(&mut right)
            .await
            .is_err()
    );

    assert!(databases(&mut right).await.contains(&first));
    drop(one);
    let remaining = databases(&mut right).await;
    assert!(
        !remaining.contains(&first) && remaining.contains(&second),
        "{remaining:?}"
    );
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let postgres = Postgres::start();
    let url = postgres.url();
    let (head, tail) = url.split_once('@').unwrap();
    assert!(
        PgConnection::connect(&format!("{head}x@{tail}"))
            .await
            .is_err()
    );
}
