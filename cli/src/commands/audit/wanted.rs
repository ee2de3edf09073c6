//! The services that `--service` names. Without it, all of them are wanted.
//!
//! The walk's own list finds them: to look for each name before it would list a large fleet once more, past its pace.

use pitcrew_core::audit::facts::Place;
use pitcrew_core::id::ServiceArn;

use crate::failure::{Exit, Failure};

/// Names and ARNs as they were given, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    given: Vec<String>,
}

impl Wanted {
    /// Refuses an ARN that no service of this account and region can have.
    pub fn new(given: &[String], place: &Place) -> Result<Self, Failure> {
        let mut wanted = Self::default();
        for given in given {
            if given.starts_with("arn:") {
                let arn = ServiceArn::parse(given).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
                fits(&arn, place)?;
            }
            if !wanted.given.contains(given) {
                wanted.given.push(given.clone());
            }
        }
        Ok(wanted)
    }

    pub fn given(&self) -> &[String] {
        &self.given
    }

    pub fn is_everything(&self) -> bool {
        self.given.is_empty()
    }

    /// The fewest services that these can be: one may be named by its name and by its ARN.
    pub fn services_min(&self) -> usize {
        let arns: Vec<ServiceArn> = self.given.iter().filter_map(|given| ServiceArn::parse(given).ok()).collect();
        let again = |given: &&String| arns.iter().any(|arn| arn.name() == given.as_str());
        self.given.iter().filter(|given| !again(given)).count()
    }

    /// The first that none of these services is.
    pub fn missing(&self, services: &[ServiceArn]) -> Option<&str> {
        let is_there = |given: &&String| !services.iter().any(|arn| is(given, arn));
        self.given.iter().find(is_there).map(String::as_str)
    }
}

/// Whether these names are these services, all of them and no other.
pub fn are(given: &[String], services: &[ServiceArn]) -> bool {
    given.iter().all(|given| services.iter().any(|arn| is(given, arn)))
        && services.iter().all(|arn| given.iter().any(|given| is(given, arn)))
}

fn is(given: &str, arn: &ServiceArn) -> bool {
    given == arn.name() || given == arn.to_string()
}

fn fits(arn: &ServiceArn, place: &Place) -> Result<(), Failure> {
    let wrong = |what: String, mend: String| Err(Failure::new(Exit::Usage, what).mend(mend));
    if arn.region() != place.region {
        let what = format!("the ARN is of {}, but the region is {}", arn.region(), place.region);
        return wrong(what, format!("add --region {}", arn.region()));
    }
    if arn.account() != place.account {
        let what = format!("the ARN is of account {}, but these credentials are of {}", arn.account(), place.account);
        return wrong(what, format!("choose a profile of account {} with --profile", arn.account()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arn(name: &str) -> ServiceArn {
        ServiceArn::parse(&format!("arn:aws:apprunner:eu-west-1:123456789012:service/{name}/{:032x}", 7)).unwrap()
    }

    fn wanted(given: &[&str]) -> Result<Wanted, Failure> {
        let given: Vec<String> = given.iter().map(|given| (*given).to_owned()).collect();
        let place =
            Place { partition: "aws".to_owned(), account: "123456789012".to_owned(), region: "eu-west-1".to_owned() };
        Wanted::new(&given, &place)
    }

    #[test]
    fn nothing_wanted_is_everything() {
        let all = wanted(&[]).unwrap();
        assert!(all.is_everything() && all.services_min() == 0 && all.missing(&[]).is_none());
    }

    #[test]
    fn what_is_not_there_is_missing_by_name_and_by_arn() {
        let (shop, cart) = (arn("shop"), arn("cart"));
        let both = wanted(&["shop", &shop.to_string(), "cart", "cart"]).unwrap();
        assert_eq!((both.given().len(), both.services_min()), (3, 2));
        assert_eq!(both.missing(&[shop.clone(), cart.clone()]), None);
        assert_eq!(both.missing(std::slice::from_ref(&shop)), Some("cart"));
        let other = wanted(&[&arn("stock").to_string()]).unwrap();
        assert_eq!(other.missing(&[shop, cart]), Some(arn("stock").to_string().as_str()));
    }

    #[test]
    fn an_arn_of_elsewhere_is_refused() {
        for (from, to, said, mend) in [
            ("eu-west-1", "us-east-1", "the ARN is of us-east-1, but the region is eu-west-1", "--region us-east-1"),
            ("123456789012", "444455556666", "of account 444455556666, but these credentials are of 123", "--profile"),
            ("service/", "thing/", "", ""),
        ] {
            let failure = wanted(&[&arn("shop").to_string().replace(from, to)]).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage, "{to}");
            assert!(failure.what.contains(said), "{}", failure.what);
            assert!(failure.mend.unwrap_or_default().contains(mend), "{to}");
        }
    }

    #[test]
    fn names_are_services_where_each_has_the_other() {
        let services = [arn("cart"), arn("shop")];
        let are = |given: &[&str]| are(&given.iter().map(|given| (*given).to_owned()).collect::<Vec<_>>(), &services);
        assert!(are(&["shop", "cart"]) && are(&[&arn("shop").to_string(), "cart"]));
        assert!(!are(&["shop"]) && !are(&[]) && !are(&["shop", "cart", "stock"]));
    }
}
