//! The files of an audit: the house's policy, the waiver file, the report of an earlier run, and the page.

use std::path::{Path, PathBuf};

use pitcrew_core::audit::facts::{Place, Policy};
use pitcrew_core::audit::quotas::Quota;
use pitcrew_core::audit::{FORMAT, Report, Selection, Waivers};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::wanted;
use crate::failure::{Exit, Failure};

/// Bytes of a file that are read: a report of ten thousand services has some 60 MB.
const BYTES_MAX: u64 = 256 * 1024 * 1024;

/// The policy that the pairs change from its defaults.
pub fn policy(pairs: &[String]) -> Result<Policy, Failure> {
    let broken = |error| Failure::new(Exit::Usage, "the policy cannot be read").cause(error).mend("check --policy");
    let Value::Object(mut document) = serde_json::to_value(Policy::default()).map_err(broken)? else {
        return Err(Failure::new(Exit::Failed, "the policy is no document"));
    };
    for pair in pairs {
        let (key, value) = pair.split_once('=').ok_or_else(|| {
            Failure::new(Exit::Usage, format!("`{pair}` is no policy"))
                .mend("write KEY=VALUE, such as --policy idle_days=60")
        })?;
        set(&mut document, key.trim(), value.trim())?;
    }
    serde_json::from_value(Value::Object(document)).map_err(broken)
}

fn set(document: &mut Map<String, Value>, key: &str, value: &str) -> Result<(), Failure> {
    let wrong = |what: &str| {
        let said = format!("the policy {key} is `{value}`, which is no {what}");
        Failure::new(Exit::Usage, said).mend(format!("give --policy {key}= a {what}"))
    };
    if let Some(name) = key.strip_prefix("quotas.") {
        if !Quota::ALL.iter().any(|quota| quota.name() == name) {
            let names = Quota::ALL.map(Quota::name).join(", ");
            return Err(
                Failure::new(Exit::Usage, format!("there is no quota `{name}`")).mend(format!("there are {names}"))
            );
        }
        let limit: u64 = value.parse().map_err(|_| wrong("whole number"))?;
        if let Some(Value::Object(quotas)) = document.get_mut("quotas") {
            quotas.insert(name.to_owned(), limit.into());
        }
        return Ok(());
    }
    let Some(slot) = document.get_mut(key).filter(|slot| !slot.is_object()) else {
        let keys = document.keys().map(|key| if key == "quotas" { "quotas.NAME" } else { key.as_str() });
        let keys = keys.collect::<Vec<_>>().join(", ");
        return Err(Failure::new(Exit::Usage, format!("there is no policy `{key}`")).mend(format!("there are {keys}")));
    };
    *slot = match slot {
        Value::Bool(_) => value.parse::<bool>().map_err(|_| wrong("true or false"))?.into(),
        _ => value.parse::<u32>().map_err(|_| wrong("whole number"))?.into(),
    };
    Ok(())
}

/// The waiver file; without one there are none but those by tag.
pub fn waivers(file: Option<&Path>) -> Result<Waivers, Failure> {
    let like = r#"it is JSON: {"waivers": [{"rule": ID, "service": PATTERN, "until": "YYYY-MM-DD", "reason": TEXT}]}"#;
    file.map_or_else(|| Ok(Waivers::default()), |file| document(file, "the waiver file", like))
}

/// The report of an earlier run.
pub fn previous(file: Option<&Path>) -> Result<Option<Report>, Failure> {
    let like = "it is what an earlier `pitcrew audit --json` printed";
    file.map(|file| document(file, "the previous report", like)).transpose()
}

/// A report that is no measure for this run is refused: nothing would be compared, and that reads like no change.
pub fn comparable(previous: Option<&Report>, place: &Place) -> Result<(), Failure> {
    let Some(previous) = previous else { return Ok(()) };
    let wrong =
        |what: String| Failure::new(Exit::Usage, what).mend("give --previous a report of this account and region");
    if previous.format != FORMAT {
        return Err(wrong(format!(
            "the previous report has format {}, and this pitcrew writes {FORMAT}",
            previous.format
        )));
    }
    if previous.place != *place {
        let name = |place: &Place| format!("{} {}", place.account, place.region);
        return Err(wrong(format!("the previous report is of {}, and this is {}", name(&previous.place), name(place))));
    }
    Ok(())
}

/// A narrowed report is no measure for a run that is not narrowed in the same way: what it left out would be new.
pub fn alike(previous: Option<&Report>, shown: &Selection, services: &[String]) -> Result<(), Failure> {
    let Some(before) = previous.and_then(|previous| previous.narrowed.as_ref()) else { return Ok(()) };
    let now = shown.narrowing(None).unwrap_or_default();
    if now.rules == before.rules
        && now.groups == before.groups
        && now.grade == before.grade
        && wanted::are(services, &before.services)
    {
        return Ok(());
    }
    let flags = before.flags();
    let what =
        format!("the previous report was made with {flags}: compared with it, all that it left out would be new");
    Err(Failure::new(Exit::Usage, what).mend(format!("give --previous a whole report, or this run the same: {flags}")))
}

/// Refuses a file that could not be written, before anything is read for it.
pub fn writable(file: Option<&Path>) -> Result<(), Failure> {
    let Some(file) = file else { return Ok(()) };
    let tried = match file.exists() {
        true => std::fs::OpenOptions::new().append(true).open(file).map(drop),
        false => {
            beside(file).and_then(|beside| std::fs::write(&beside, "").and_then(|()| std::fs::remove_file(&beside)))
        }
    };
    tried.map_err(|error| {
        Failure::new(Exit::Usage, format!("the page cannot be written to {}", file.display()))
            .cause(error)
            .mend("give --html a file in a folder that is there")
    })
}

/// Puts the page in the place of the one before it, whole or not at all.
pub fn write(file: &Path, page: &str) -> Result<(), Failure> {
    replace(file, page).map_err(|error| {
        Failure::new(Exit::Failed, format!("the page cannot be written to {}", file.display())).cause(error)
    })
}

fn replace(file: &Path, page: &str) -> std::io::Result<()> {
    // A link stays one, and what it leads to is replaced.
    let file = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let before = std::fs::metadata(&file).ok();
    if before.as_ref().is_some_and(|before| !before.is_file()) {
        // A pipe or a device is no file that another could take the place of.
        return std::fs::write(&file, page);
    }
    let beside = beside(&file)?;
    let keep = |before: std::fs::Metadata| std::fs::set_permissions(&beside, before.permissions());
    let written = std::fs::write(&beside, page)
        .and_then(|()| before.map_or(Ok(()), keep))
        .and_then(|()| std::fs::rename(&beside, &file));
    if written.is_err() {
        // It holds half a page. Where it cannot be taken away either, the error says enough.
        let _left = std::fs::remove_file(&beside);
    }
    written
}

/// Where a file is made before it takes its place: in its folder, as a rename does not leave a file system.
fn beside(file: &Path) -> std::io::Result<PathBuf> {
    let name = file.file_name().ok_or_else(|| std::io::Error::other("it names no file"))?;
    Ok(file.with_file_name(format!(".{}.{}", name.to_string_lossy(), std::process::id())))
}

fn document<T: DeserializeOwned>(file: &Path, called: &str, like: &str) -> Result<T, Failure> {
    use std::io::Read as _;
    let unread = |error: std::io::Error| {
        Failure::new(Exit::Usage, format!("{called} {} cannot be read", file.display())).cause(error)
    };
    let mut text = String::new();
    std::fs::File::open(file).and_then(|opened| opened.take(BYTES_MAX).read_to_string(&mut text)).map_err(unread)?;
    serde_json::from_str(&text).map_err(|error| {
        Failure::new(Exit::Usage, format!("{called} {} is not what it should be", file.display()))
            .cause(error)
            .mend(like)
    })
}

#[cfg(test)]
mod tests {
    use pitcrew_core::audit::Grade;

    use super::*;

    fn pairs(pairs: &[&str]) -> Result<Policy, Failure> {
        policy(&pairs.iter().map(|pair| (*pair).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_policy_changes_what_is_named_and_nothing_else() {
        assert_eq!(pairs(&[]).unwrap(), Policy::default());
        let read = pairs(&["idle_days=60", "firewall=false", "quotas.services = 90"]).unwrap();
        let quotas = [("services".to_owned(), 90)].into();
        assert_eq!(read, Policy { idle_days: 60, firewall: false, quotas, ..Policy::default() });
    }

    #[test]
    fn a_policy_that_does_not_fit_says_which_and_what_fits() {
        for (pair, said, mend) in [
            ("idle_days", "`idle_days` is no policy", "KEY=VALUE"),
            ("idle=3", "there is no policy `idle`", "paused_days, idle_days"),
            ("quotas=3", "there is no policy `quotas`", "quotas.NAME"),
            ("idle_days=soon", "idle_days is `soon`, which is no whole number", "--policy idle_days="),
            ("firewall=1", "firewall is `1`, which is no true or false", "--policy firewall="),
            ("quotas.shops=3", "there is no quota `shops`", "services, connections"),
            ("quotas.services=-3", "`-3`, which is no whole number", "whole number"),
        ] {
            let failure = pairs(&[pair]).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage, "{pair}");
            assert!(failure.what.contains(said), "{}", failure.what);
            assert!(failure.mend.as_ref().is_some_and(|text| text.contains(mend)), "{:?}", failure.mend);
        }
    }

    #[test]
    fn a_file_that_is_not_there_or_holds_something_else_is_named() {
        let missing = waivers(Some(Path::new("no-such-folder/waivers.json"))).unwrap_err();
        assert!(missing.what.contains("no-such-folder/waivers.json cannot be read"), "{}", missing.what);
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let other = previous(Some(&manifest)).unwrap_err();
        assert!(other.what.contains("Cargo.toml is not what it should be"), "{}", other.what);
        assert_eq!((other.exit, other.causes().len()), (Exit::Usage, 1));
        assert!(writable(Some(Path::new("no-such-folder/page.html"))).is_err());
        assert!(writable(Some(Path::new("page.html"))).is_ok());
        assert!(writable(Some(Path::new("/"))).is_err());
    }

    #[test]
    fn a_report_of_another_account_or_form_is_no_measure() {
        let report = crate::samples::report();
        assert!(comparable(Some(&report), &report.place).is_ok());
        let elsewhere = Place { region: "us-east-1".to_owned(), ..report.place.clone() };
        let failure = comparable(Some(&report), &elsewhere).unwrap_err();
        assert!(
            failure.what.ends_with("123456789012 eu-west-1, and this is 123456789012 us-east-1"),
            "{}",
            failure.what
        );
        let newer = Report { format: FORMAT + 1, ..report.clone() };
        assert!(comparable(Some(&newer), &report.place).is_err());
    }

    #[test]
    fn a_narrowed_report_measures_only_a_run_that_is_narrowed_alike() {
        let whole = crate::samples::report();
        let high = Selection { grade: Some(Grade::High), ..Selection::default() };
        let (none, arn) = (Selection::default(), whole.services[0].arn.clone());
        assert!(alike(None, &high, &[]).is_ok() && alike(Some(&whole), &high, &["shop".to_owned()]).is_ok());
        let narrowed = whole.clone().narrowed(&high);
        assert!(alike(Some(&narrowed), &high, &[]).is_ok());
        let failure = alike(Some(&narrowed), &none, &[]).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.what.contains("was made with --severity high: "), "{}", failure.what);
        let some = narrowed.of_services(std::slice::from_ref(&arn));
        assert!(alike(Some(&some), &high, &[arn.name().to_owned()]).is_ok());
        let failure = alike(Some(&some), &high, &[]).unwrap_err();
        let said = format!("--service {} --severity high", arn.name());
        assert!(failure.mend.as_ref().is_some_and(|mend| mend.ends_with(&said)), "{failure:?}");
        let rules = Selection { rules: vec!["b".to_owned(), "a".to_owned()], ..none.clone() };
        let turned = Selection { rules: vec!["a".to_owned(), "b".to_owned(), "a".to_owned()], ..none };
        assert!(alike(Some(&whole.clone().narrowed(&rules)), &turned, &[]).is_ok());
        assert!(alike(Some(&whole.narrowed(&rules)), &high, &[]).is_err());
    }

    #[test]
    fn a_page_takes_the_place_of_another_whole_and_leaves_nothing_beside_it() {
        use std::io::Read as _;
        let folder = std::env::temp_dir().join(format!("pitcrew-page-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let page = folder.join("page.html");
        let (first, second) = ("first ".repeat(999), "second");
        writable(Some(&page)).unwrap();
        write(&page, &first).unwrap();
        let mut reader = std::fs::File::open(&page).unwrap();
        writable(Some(&page)).unwrap();
        write(&page, second).unwrap();
        assert_eq!(std::fs::read_to_string(&page).unwrap(), second);
        let mut held = String::new();
        reader.read_to_string(&mut held).unwrap();
        assert_eq!(held, first, "who reads the page before has it whole");
        assert!(write(&folder.join("gone").join("page.html"), second).is_err());
        assert!(write(&folder, second).is_err());
        let left: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["page.html"]);
        #[cfg(unix)]
        {
            let link = folder.join("link.html");
            std::os::unix::fs::symlink(&page, &link).unwrap();
            write(&link, &first).unwrap();
            assert!(link.is_symlink() && std::fs::read_to_string(&page).unwrap() == first);
            assert!(write(Path::new("/dev/null"), second).is_ok() && !Path::new("/dev/null").is_file());
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
