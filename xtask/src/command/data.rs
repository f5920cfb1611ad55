//! `data`: fetches data sets that are too large to embed.

use regime_data::{default_cache_dir, fetch, fetch::FetchEvent};

use crate::cli::Data;

pub(super) fn run(task: &Data) -> anyhow::Result<()> {
    let folder = default_cache_dir();
    match task {
        Data::Path => out!("{}", folder.display()),
        Data::Fetch { archive } => {
            let place =
                fetch(archive.0, &folder, &mut |event: FetchEvent<'_>| print_event(&event))?;
            out!("{} is complete and verified in {}", archive.0.name(), place.display());
        }
    }
    Ok(())
}

fn print_event(event: &FetchEvent<'_>) {
    match event {
        FetchEvent::Present { file } => note!("{file}: already there, verified"),
        FetchEvent::Trying { provider, missing } => {
            note!("asking {provider} for {missing} files");
        }
        FetchEvent::Failed(attempt) => note!("{attempt}"),
        FetchEvent::Fetched { file, bytes } => note!("{file}: {bytes} bytes, verified"),
    }
}
