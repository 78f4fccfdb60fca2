//! Looking into an SQLite database from outside, as an operator with a shell could.

use std::path::Path;

use serde_json::Value;

/// Runs a statement and returns its rows, each an array.
#[track_caller]
pub fn query(database: &Path, statement: &str) -> Vec<Value> {
    let script = "import json, sqlite3, sys\n\
        database = sqlite3.connect(sys.argv[1], timeout=30)\n\
        with database:\n \
          rows = database.execute(sys.argv[2]).fetchall()\n\
        print(json.dumps(rows, default=bytes.hex))";
    let arguments = [
        "-c".as_ref(),
        script.as_ref(),
        database.as_os_str(),
        statement.as_ref(),
    ];
    let output = testkit::run("python", arguments, b"").must_accept();
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Runs a statement that changes something.
#[track_caller]
pub fn execute(database: &Path, statement: &str) {
    query(database, statement);
}

/// The one number that a statement gives.
#[track_caller]
pub fn number(database: &Path, statement: &str) -> i64 {
    query(database, statement)[0][0].as_i64().expect("a number")
}
