//! Which cluster is asked, and as whom: kubectl's words.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::kubernetes::Access;

/// kubectl's flags, where names come from a cluster.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cluster, with --names kube")]
pub(super) struct Cluster {
    /// The kubeconfig, in place of $KUBECONFIG or ~/.kube/config
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// The kubeconfig's context, in place of its current one
    #[arg(long, value_name = "NAME")]
    context: Option<String>,

    /// Ask as this user
    #[arg(long = "as", value_name = "USER")]
    as_user: Option<String>,

    /// Ask as a member of this group; may be repeated
    #[arg(long = "as-group", value_name = "GROUP", requires = "as_user")]
    as_groups: Vec<String>,

    /// How long one request may take, such as 5s or 1m30s; 5s if not given
    #[arg(long, value_name = "TIME", value_parser = limit)]
    request_timeout: Option<Duration>,
}

/// How long a request may take if nothing is said.
const LIMIT: Duration = Duration::from_secs(5);

impl Cluster {
    /// One of the flags that was given.
    pub(super) fn given(&self) -> Option<&'static str> {
        let given = [
            ("--kubeconfig", self.kubeconfig.is_some()),
            ("--context", self.context.is_some()),
            ("--as", self.as_user.is_some()),
            ("--request-timeout", self.request_timeout.is_some()),
        ];
        given
            .into_iter()
            .find(|(_, given)| *given)
            .map(|(flag, _)| flag)
    }

    /// The access that is meant.
    pub(super) fn into_access(self) -> Access {
        Access {
            kubeconfig: self.kubeconfig,
            context: self.context,
            user: self.as_user,
            groups: self.as_groups,
            limit: self.request_timeout.unwrap_or(LIMIT),
        }
    }
}

/// A duration as kubectl takes it: seconds, or Go's notation. kubectl's 0, for ever, is not taken.
fn limit(text: &str) -> Result<Duration, String> {
    let limit = match text.parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => go_duration(text),
    };
    match limit {
        Some(limit) if limit.is_zero() => {
            Err("it must be more than 0, or nothing would end it".to_owned())
        }
        Some(limit) => Ok(limit),
        None => Err("write it as 5, 5s, 1m30s or 500ms".to_owned()),
    }
}

/// Numbers with units, as Go's `time.ParseDuration` has them.
fn go_duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let of_number = |c: char| c.is_ascii_digit() || c == '.';
        let (number, behind) = rest.split_at(rest.find(|c| !of_number(c))?);
        let end = behind.find(of_number).unwrap_or(behind.len());
        let (unit, next) = behind.split_at(end);
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        let part = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?;
        total = total.checked_add(part)?;
        rest = next;
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_kubectl_reads_them() {
        for (text, milliseconds) in [
            ("5", 5000),
            ("5s", 5000),
            ("1m30s", 90_000),
            ("1.5s", 1500),
            ("500ms", 500),
            ("2h", 7_200_000),
        ] {
            assert_eq!(
                limit(text),
                Ok(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
        for text in [
            "",
            "0",
            "0s",
            "-1s",
            "5x",
            "s",
            "5s3",
            "1..5s",
            "9999999999999999999999h",
        ] {
            assert!(limit(text).is_err(), "{text}");
        }
    }
}
