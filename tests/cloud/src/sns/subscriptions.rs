//! Subscriptions: how they begin, are confirmed, and what may be set on them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::call::{Answer, ApiError, Call, Ctx};
use crate::effect::Effect;

use super::envelope::{self, Message};
use super::filter::Policy;
use super::{Sns, invalid, no_subscription, no_topic, page};

/// How long a confirmation token is good: two days (developer guide, HTTP/S subscriptions).
const TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(48);

/// How a subscription receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Http,
    Https,
    Email,
    EmailJson,
    Sqs,
    Lambda,
}

impl Protocol {
    /// The protocol by its name; what would leave the machine in a way that nobody could watch is refused.
    fn read(name: &str) -> Result<Self, ApiError> {
        match name {
            "http" => Ok(Self::Http),
            "https" => Ok(Self::Https),
            "email" => Ok(Self::Email),
            "email-json" => Ok(Self::EmailJson),
            "sqs" => Ok(Self::Sqs),
            "lambda" => Ok(Self::Lambda),
            "sms" | "application" | "firehose" => Err(invalid(format!(
                "Protocol: the local cloud never leaves the machine and does not deliver by {name}"
            ))),
            _ => Err(invalid(format!("Amazon SNS does not support this protocol string: {name}"))),
        }
    }

    /// Its name, which is also its key in a message of structure `json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Email => "email",
            Self::EmailJson => "email-json",
            Self::Sqs => "sqs",
            Self::Lambda => "lambda",
        }
    }

    fn needs_confirmation(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }

    /// Raw delivery exists for SQS and HTTP only.
    fn may_be_raw(self) -> bool {
        matches!(self, Self::Sqs | Self::Http | Self::Https)
    }
}

/// What may be set on a subscription, parsed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    pub raw: bool,
    pub filter: Option<Policy>,
    /// `FilterPolicyScope` is `MessageBody`.
    pub filters_body: bool,
    /// As they were given, to be shown again.
    given: BTreeMap<String, String>,
}

impl Settings {
    fn read(given: &Value, protocol: Protocol) -> Result<Self, ApiError> {
        let mut settings = Self::default();
        let members = given.as_object().into_iter().flatten();
        let mut pairs: Vec<(&str, &str)> = members.map(|(n, v)| (n.as_str(), v.as_str().unwrap_or_default())).collect();
        // The scope decides how the policy is read, so it comes first.
        pairs.sort_by_key(|(name, _)| *name != "FilterPolicyScope");
        for (name, value) in pairs {
            settings.set(name, value, protocol)?;
        }
        Ok(settings)
    }

    fn set(&mut self, name: &str, value: &str, protocol: Protocol) -> Result<(), ApiError> {
        match name {
            "RawMessageDelivery" => {
                self.raw = match value {
                    "true" if protocol.may_be_raw() => true,
                    "true" => {
                        return Err(invalid(format!(
                            "Attributes Reason: RawMessageDelivery: Delivery protocol [{}] does not support raw message delivery.",
                            protocol.name()
                        )));
                    }
                    "false" => false,
                    _ => {
                        return Err(invalid(
                            "Attributes Reason: RawMessageDelivery: Invalid value. Must be true or false.",
                        ));
                    }
                };
            }
            "FilterPolicyScope" => {
                let body = match value {
                    "MessageAttributes" => false,
                    "MessageBody" => true,
                    _ => {
                        return Err(invalid(
                            "FilterPolicyScope: Invalid value. Must be one of MessageAttributes or MessageBody.",
                        ));
                    }
                };
                if let Some(policy) = self.given.get("FilterPolicy") {
                    self.filter = Some(Policy::read(policy, body)?);
                }
                self.filters_body = body;
            }
            "FilterPolicy" if value.is_empty() || value == "{}" => {
                self.filter = None;
                self.given.remove(name);
                return Ok(());
            }
            "FilterPolicy" => self.filter = Some(Policy::read(value, self.filters_body)?),
            "RedrivePolicy" => {
                let target = serde_json::from_str::<Value>(value).ok();
                let arn = target.as_ref().and_then(|policy| policy["deadLetterTargetArn"].as_str()).unwrap_or_default();
                if !value.is_empty() && !arn.contains(":sqs:") {
                    return Err(invalid("RedrivePolicy: deadLetterTargetArn must be the ARN of an SQS queue"));
                }
            }
            "DeliveryPolicy" => {
                if serde_json::from_str::<Value>(value).is_err() {
                    return Err(invalid("DeliveryPolicy: it is no JSON"));
                }
            }
            _ => return Err(invalid("AttributeName")),
        }
        self.given.insert(name.to_owned(), value.to_owned());
        Ok(())
    }
}

/// One subscription.
#[derive(Clone, Debug)]
pub struct Subscription {
    pub arn: String,
    pub topic_arn: String,
    pub protocol: Protocol,
    pub endpoint: String,
    pub settings: Settings,
    /// The token that confirms it, and when it was made; none once confirmed.
    pending: Option<(String, Timestamp)>,
    /// Kept after the confirmation, for confirming twice is no error.
    token: String,
    authenticated_unsubscribe: bool,
}

impl Subscription {
    pub fn is_confirmed(&self) -> bool {
        self.pending.is_none()
    }

    /// A row of a listing.
    fn row(&self, account: &str) -> Value {
        let arn = if self.is_confirmed() { self.arn.as_str() } else { "PendingConfirmation" };
        json!({
            "SubscriptionArn": arn, "Owner": account, "Protocol": self.protocol.name(), "Endpoint": self.endpoint,
            "TopicArn": self.topic_arn,
        })
    }
}

/// The address of the host of a URL, if the URL is plain `scheme://host[:port]/...`.
fn host<'a>(url: &'a str, scheme: &str) -> Option<&'a str> {
    let rest = url.strip_prefix(scheme)?.strip_prefix("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    if authority.contains('@') || authority.contains('\\') {
        return None;
    }
    if let Some(v6) = authority.strip_prefix('[') {
        return v6.split_once(']').map(|(host, _)| host);
    }
    Some(authority.rsplit_once(':').map_or(authority, |(host, _)| host))
}

/// Whether a URL leads nowhere but to this machine.
fn is_on_loopback(url: &str, scheme: &str) -> bool {
    host(url, scheme)
        .is_some_and(|host| host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()))
}

fn check_endpoint(protocol: Protocol, endpoint: &str) -> Result<(), ApiError> {
    let fits = match protocol {
        Protocol::Http | Protocol::Https => {
            if !is_on_loopback(endpoint, protocol.name()) {
                return Err(invalid(format!(
                    "Endpoint: the local cloud never leaves the machine; give a {}:// address on 127.0.0.1, [::1] or \
                     localhost, not {endpoint}",
                    protocol.name()
                )));
            }
            true
        }
        Protocol::Sqs => endpoint.starts_with("arn:") && endpoint.contains(":sqs:"),
        Protocol::Lambda => {
            endpoint.starts_with("arn:") && endpoint.contains(":lambda:") && endpoint.contains(":function:")
        }
        Protocol::Email | Protocol::EmailJson => {
            endpoint.split_once('@').is_some_and(|(user, domain)| !user.is_empty() && !domain.is_empty())
        }
    };
    let wanted = match protocol {
        Protocol::Sqs => "SQS endpoint ARN",
        Protocol::Lambda => "Lambda endpoint ARN",
        _ => "Email address",
    };
    if fits { Ok(()) } else { Err(invalid(wanted)) }
}

impl Sns {
    pub(super) fn subscribe(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        let topic_arn = call.text("TopicArn").to_owned();
        self.topic(&topic_arn)?;
        let protocol = Protocol::read(call.text("Protocol"))?;
        let endpoint = call.text("Endpoint").to_owned();
        check_endpoint(protocol, &endpoint)?;
        let settings = Settings::read(&call.input["Attributes"], protocol)?;
        let wants_arn = call.input["ReturnSubscriptionArn"] == true;
        let same =
            |one: &&Subscription| one.topic_arn == topic_arn && one.protocol == protocol && one.endpoint == endpoint;
        if let Some(there) = self.subscriptions.iter().find(same) {
            if !settings.given.is_empty() && there.settings != settings {
                return Err(invalid("Attributes Reason: Subscription already exists with different attributes"));
            }
            return Ok(subscribed(there, wants_arn));
        }
        let token = format!("{}{}", ctx.ids.hex32(), ctx.ids.hex32());
        let subscription = Subscription {
            arn: format!("{topic_arn}:{}", ctx.ids.uuid()),
            topic_arn,
            protocol,
            endpoint,
            settings,
            pending: protocol.needs_confirmation().then(|| (token.clone(), ctx.now)),
            token,
            authenticated_unsubscribe: false,
        };
        if !subscription.is_confirmed() {
            let message = Message::confirmation(ctx, &subscription.topic_arn, &subscription.token);
            let effect = envelope::post(&self.endpoint, &subscription, &message);
            ctx.effects.push(effect);
        }
        let answer = subscribed(&subscription, wants_arn);
        self.subscriptions.push(subscription);
        Ok(answer)
    }

    pub(super) fn confirm_subscription(&mut self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        let (topic, token) = (call.text("TopicArn"), call.text("Token"));
        self.topic(topic)?;
        let found = self.subscriptions.iter_mut().find(|one| one.topic_arn == topic && one.token == token);
        let subscription = found.ok_or_else(|| invalid("Token"))?;
        if let Some((_, made)) = &subscription.pending {
            if ctx.now.duration_since(*made) > TOKEN_LIFE {
                return Err(invalid("Token"));
            }
            subscription.pending = None;
            subscription.authenticated_unsubscribe = call.text("AuthenticateOnUnsubscribe") == "true";
        }
        Ok(json!({"SubscriptionArn": subscription.arn}))
    }

    /// Ends a subscription; one that is not there is as good as ended.
    pub(super) fn unsubscribe(&mut self, call: &Call) -> Answer {
        let arn = call.text("SubscriptionArn");
        if let Some(index) = self.subscriptions.iter().position(|one| one.arn == arn) {
            let gone = self.subscriptions.remove(index);
            if let Some(topic) = self.topics.get_mut(&gone.topic_arn) {
                topic.unsubscribed += 1;
            }
        }
        Ok(json!({}))
    }

    pub(super) fn list_subscriptions(&self, ctx: &Ctx<'_>, call: &Call, topic: Option<&str>) -> Answer {
        if topic.is_some_and(|arn| !self.topics.contains_key(arn)) {
            return Err(no_topic());
        }
        let wanted = self.subscriptions.iter().filter(|one| topic.is_none_or(|arn| one.topic_arn == arn));
        page(call, "Subscriptions", wanted.map(|one| one.row(&ctx.place.account)).collect())
    }

    pub(super) fn get_subscription_attributes(&self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        let arn = call.text("SubscriptionArn");
        let one = self.subscriptions.iter().find(|one| one.arn == arn).ok_or_else(no_subscription)?;
        let mut shown = json!({
            "SubscriptionArn": one.arn,
            "TopicArn": one.topic_arn,
            "Protocol": one.protocol.name(),
            "Endpoint": one.endpoint,
            "Owner": ctx.place.account,
            "PendingConfirmation": (!one.is_confirmed()).to_string(),
            "ConfirmationWasAuthenticated": (one.authenticated_unsubscribe || !one.protocol.needs_confirmation()).to_string(),
            "RawMessageDelivery": "false",
        });
        for (name, value) in &one.settings.given {
            shown[name] = json!(value);
        }
        if one.settings.filter.is_some() && shown["FilterPolicyScope"].is_null() {
            shown["FilterPolicyScope"] = json!("MessageAttributes");
        }
        Ok(json!({"Attributes": shown}))
    }

    pub(super) fn set_subscription_attributes(&mut self, call: &Call) -> Answer {
        let arn = call.text("SubscriptionArn");
        let one = self.subscriptions.iter_mut().find(|one| one.arn == arn).ok_or_else(no_subscription)?;
        let mut settings = one.settings.clone();
        settings.set(call.text("AttributeName"), call.text("AttributeValue"), one.protocol)?;
        one.settings = settings;
        Ok(json!({}))
    }
}

fn subscribed(subscription: &Subscription, wants_arn: bool) -> Value {
    let shown =
        if subscription.is_confirmed() || wants_arn { subscription.arn.as_str() } else { "pending confirmation" };
    json!({"SubscriptionArn": shown})
}

/// What a subscription gets of a message: one effect, or none for mail.
pub fn delivery(endpoint: &str, subscription: &Subscription, message: &Message) -> Option<Effect> {
    match subscription.protocol {
        Protocol::Http | Protocol::Https => Some(envelope::post(endpoint, subscription, message)),
        Protocol::Sqs => Some(envelope::send(endpoint, subscription, message)),
        Protocol::Lambda => Some(envelope::invoke(endpoint, subscription, message)),
        Protocol::Email | Protocol::EmailJson => None,
    }
}
