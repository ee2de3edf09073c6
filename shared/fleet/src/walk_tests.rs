use super::*;

fn arn(name: &str) -> ServiceArn {
    ServiceArn::parse(&format!("arn:aws:apprunner:eu-west-1:123456789012:service/{name}/0a1b")).unwrap()
}

#[test]
fn no_service_is_begun_without_time_or_calls() {
    let second = Duration::from_secs(1);
    assert_eq!(stop(99, Some(100), second), None);
    assert_eq!(stop(100, Some(100), second), Some(Stop::Calls));
    assert_eq!(stop(1_000_000, None, second), None);
    assert_eq!(stop(0, Some(100), Duration::ZERO), Some(Stop::Time));
}

#[test]
fn only_named_services_are_walked_by_name_or_arn() {
    assert!(is_wanted(&[], &arn("shop")));
    assert!(is_wanted(&["shop".to_owned()], &arn("shop")));
    assert!(is_wanted(&[arn("shop").to_string()], &arn("shop")));
    assert!(!is_wanted(&["shop".to_owned()], &arn("shop2")));
}

/// A function's handler may be asked for a future that can move between threads.
#[test]
fn a_walk_can_move_between_threads() {
    fn is_send<T: Send>(_: &T) {}
    let walked = |clients: &FleetClients, settings: &WalkSettings| {
        let (mut each, mut tell) = (|_: &Fleet, _: &ServiceFacts| {}, |_: &Progress| {});
        is_send(&walk(clients, settings, Cursor::default(), &mut each, &mut tell));
        let mut keep = |_: &Cursor, _: bool| -> BoxFuture<'_, bool> { Box::pin(ready(true)) };
        is_send(&walk_keeping(clients, settings, Cursor::default(), &mut each, &mut tell, &mut keep));
    };
    let _: &dyn Fn(&FleetClients, &WalkSettings) = &walked;
}
