//! Where captured records go: a file of fixtures, or standard output.

use crate::authoring::redact::{Redaction, Redactor};
use crate::cli::exit::Usage;
use crate::cli::kafka::decode::{Decode, DecodeArguments};
use crate::cli::output::{self, count};
use crate::plugin::fixture::{self, FailureLine};
use crate::record::OwnedRecord;
use anyhow::{Context, bail};
use clap::Args;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// The environment variable with the secret of pseudonyms.
const SECRET: &str = "MILLSTREAM_REDACT_SECRET";

#[derive(Args)]
pub(in crate::cli) struct SinkArguments {
    /// The file to write, such as fixtures/orders.jsonl; without it, standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replaces an existing file.
    #[arg(long, requires = "output")]
    force: bool,
    /// Stops after this many records.
    #[arg(short = 'n', long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    max: Option<u64>,
    /// Replaces a field of JSON values by a pseudonym, for example customer.email; can be repeated.
    /// An object is replaced with all in it. The same value gets the same pseudonym everywhere; in
    /// later captures too if MILLSTREAM_REDACT_SECRET is the same. Values that are not JSON are
    /// replaced whole.
    #[arg(long, value_name = "FIELD")]
    redact: Vec<String>,
    /// Replaces the records' keys likewise.
    #[arg(long)]
    redact_key: bool,
    /// Replaces the values of headers with this name likewise; can be repeated.
    #[arg(long, value_name = "NAME")]
    redact_header: Vec<String>,
    #[command(flatten)]
    decode: DecodeArguments,
}

/// Takes records.
pub(super) struct Sink {
    out: BufWriter<Box<dyn Write>>,
    /// The file to write, and the file beside it that is written first.
    files: Option<(PathBuf, PathBuf)>,
    decode: Option<Decode>,
    redactor: Redactor,
    taken: u64,
    max: u64,
}

impl SinkArguments {
    /// Opens the file. `config` is the configuration of a command that has one.
    ///
    /// # Errors
    /// If it exists, or can't be written.
    pub fn open(&self, config: Option<&Path>) -> anyhow::Result<Sink> {
        let decode = self.decode.open(config)?;
        let redaction = Redaction {
            fields: self.redact.clone(),
            keys: self.redact_key,
            headers: self.redact_header.clone(),
        };
        if redaction.fields.iter().any(String::is_empty) {
            return Err(Usage::error("--redact: the field's name is empty".into()));
        }
        let (out, files): (Box<dyn Write>, _) = match &self.output {
            None => (Box::new(io::stdout()), None),
            Some(path) => {
                if path.exists() && !self.force {
                    bail!("{} exists; --force replaces it", path.display());
                }
                let (file, aside) = create_aside(path)?;
                (Box::new(file), Some((path.clone(), aside)))
            }
        };
        Ok(Sink {
            out: BufWriter::new(out),
            files,
            decode,
            redactor: Redactor::new(redaction, secret()?),
            taken: 0,
            max: self.max.unwrap_or(u64::MAX),
        })
    }
}

/// Readable by nobody else: records may be confidential.
fn create_aside(path: &Path) -> anyhow::Result<(File, PathBuf)> {
    use std::os::unix::fs::OpenOptionsExt;
    let name = path.file_name().context("-o: expected a file's name")?;
    let aside = path.with_file_name(format!(".{}.{}", name.display(), std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let file = options.open(&aside);
    let file = file.with_context(|| format!("can't write {}", aside.display()))?;
    Ok((file, aside))
}

/// The secret of pseudonyms: the user's, or one that nobody knows.
fn secret() -> anyhow::Result<Vec<u8>> {
    match std::env::var_os(SECRET).filter(|secret| !secret.is_empty()) {
        Some(secret) => Ok(secret.into_encoded_bytes()),
        None => {
            let random = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()];
            Ok(random.map(uuid::Uuid::into_bytes).concat())
        }
    }
}

impl Sink {
    /// Whether it has all that it may take.
    pub fn is_full(&self) -> bool {
        self.taken >= self.max
    }

    /// Takes a record.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn take(&mut self, mut record: OwnedRecord) -> io::Result<()> {
        self.made_ready(&mut record);
        self.put(&fixture::line(&record, None))
    }

    fn made_ready(&mut self, record: &mut OwnedRecord) {
        if let Some(decode) = &self.decode {
            decode.hand_over(record);
        }
        self.redactor.redact(record);
    }

    /// Takes a record that failed. With any redaction, the failure's message, which
    /// may quote the record, is left out.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn take_failed(
        &mut self,
        mut record: OwnedRecord,
        mut failure: FailureLine,
    ) -> io::Result<()> {
        self.made_ready(&mut record);
        if self.redactor.is_active() {
            failure.message = "redacted".into();
        }
        self.put(&fixture::line(&record, Some(&failure)))
    }

    fn put(&mut self, line: &str) -> io::Result<()> {
        self.taken += 1;
        writeln!(self.out, "{line}")
    }

    /// Writes what is buffered: while none arrive, readers of a pipe see all.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// If nothing was captured, no record had a field to redact, or the file can't
    /// be written. On an error no file is left.
    pub fn finish(mut self) -> anyhow::Result<()> {
        self.out.flush()?;
        if self.taken == 0 {
            bail!("found no records to capture");
        }
        let unused = self.redactor.unused();
        if !unused.is_empty() {
            bail!(
                "no record has {}: nothing was redacted there, so the capture may hold what you \
                 wanted to hide{}",
                unused
                    .iter()
                    .map(|name| format!("`{name}`"))
                    .collect::<Vec<_>>()
                    .join(", "),
                match self.files {
                    Some(_) => "; it was not kept",
                    None => "",
                }
            );
        }
        let whole = self.redactor.whole;
        if let Some((path, aside)) = self.files.take() {
            fs::rename(&aside, &path).with_context(|| format!("can't write {}", path.display()))?;
            output::say(format_args!(
                "{}: {}",
                path.display(),
                count(self.taken as usize, "record")
            ));
        }
        if whole > 0 {
            output::say(format_args!(
                "{} redacted whole: not a JSON object or array",
                count(whole as usize, "value")
            ));
        }
        Ok(())
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if let Some((_, aside)) = &self.files {
            let _ = fs::remove_file(aside);
        }
    }
}
