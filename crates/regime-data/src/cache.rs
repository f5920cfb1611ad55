//! The folder for fetched data.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// The default folder for fetched data: `$REGIME_DATA_DIR`, else
/// `$XDG_CACHE_HOME/regime`, else `$HOME/.cache/regime`, else `regime` in the system's
/// folder for temporary files.
///
/// The folder may not exist. An empty variable counts as unset, and so does a relative
/// `XDG_CACHE_HOME`, as the XDG specification requires.
pub fn default_cache_dir() -> PathBuf {
    cache_dir_under(|name| env::var_os(name))
}

fn cache_dir_under(variable: impl Fn(&str) -> Option<OsString>) -> PathBuf {
    let path = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    path("REGIME_DATA_DIR")
        .or_else(|| {
            let base = path("XDG_CACHE_HOME").filter(|base| base.is_absolute());
            base.or_else(|| path("HOME").map(|home| home.join(".cache")))
                .map(|base| base.join("regime"))
        })
        .unwrap_or_else(|| env::temp_dir().join("regime"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn under(variables: &[(&str, &str)]) -> PathBuf {
        cache_dir_under(|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn order_of_precedence() {
        let home = ("HOME", "/home/a");
        let xdg = ("XDG_CACHE_HOME", "/xdg");
        assert_eq!(under(&[home, xdg, ("REGIME_DATA_DIR", "here")]), PathBuf::from("here"));
        assert_eq!(under(&[home, xdg, ("REGIME_DATA_DIR", "")]), PathBuf::from("/xdg/regime"));
        assert_eq!(
            under(&[home, ("XDG_CACHE_HOME", "relative")]),
            PathBuf::from("/home/a/.cache/regime")
        );
        assert!(under(&[]).ends_with("regime"));
    }
}
