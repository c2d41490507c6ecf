//! `csv-diff-peer OLD NEW`: prints the counts of `deltadrop diff --summary --format json`, found by the csv-diff crate with its
//! defaults: the first column is the key, rows are compared by their bytes, and each core has one thread.

use std::fs::File;

use csv_diff::{csv::Csv, csv_diff::CsvByteDiffLocal, diff_row::DiffByteRecord};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let [old, new] = paths.as_slice() else {
        return Err("usage: csv-diff-peer OLD NEW".into());
    };
    let found = CsvByteDiffLocal::new()?.diff(
        Csv::with_reader_seek(File::open(old)?),
        Csv::with_reader_seek(File::open(new)?),
    )?;
    let (mut inserted, mut updated, mut deleted) = (0, 0, 0);
    for record in found.as_slice() {
        match record {
            DiffByteRecord::Add(_) => inserted += 1,
            DiffByteRecord::Modify { .. } => updated += 1,
            DiffByteRecord::Delete(_) => deleted += 1,
        }
    }
    println!(r#"{{"inserted": {inserted}, "updated": {updated}, "deleted": {deleted}}}"#);
    Ok(())
}
