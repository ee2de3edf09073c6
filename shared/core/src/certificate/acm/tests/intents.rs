//! Intent, call, answer: and what becomes of each when something is lost.

use super::*;

/// A case whose intent was written by `holder`, and whose call was made or not.
fn intended(holder: &str, made: bool) -> Case {
    let mut case = usual();
    let batch = Batch { zone: case.zone(), changes: vec![Change::Create(proof_record())] };
    let act = Act::ChangeRecords(batch);
    if made {
        case.make(&act);
    }
    case.memory.intent = Some(Intent { id: "R-1".to_owned(), at: case.now, holder: holder.to_owned(), act });
    case
}

fn later(case: &mut Case, seconds: i64) {
    case.now += SignedDuration::from_secs(seconds);
}

#[test]
fn the_call_is_made_only_after_the_intent_was_written_and_everything_read_again() {
    let case = usual();
    let mut seen = case.observed();
    let mut looks_after_intent = 0;
    loop {
        match decide(&seen, Autonomy::Act) {
            Decision::Look(Look::Tags) => seen.tags = Fact::Known(Tags::new()),
            Decision::Look(Look::Dns(look)) => {
                looks_after_intent += u32::from(seen.memory.intent.is_some());
                case.world.read(&look, &mut seen.dns);
            }
            Decision::Record(record) => {
                assert_eq!(record.then, Then::Reread);
                seen.memory = record.memory.unwrap();
                seen.forget_live();
            }
            Decision::Call(intent) => {
                assert_eq!(Some(*intent), seen.memory.intent);
                break;
            }
            Decision::Hold { reason } => panic!("{reason}"),
        }
    }
    assert!(looks_after_intent > 0, "nothing was read between the intent and its call");
}

#[test]
fn an_intent_that_does_not_fit_what_is_read_again_is_dropped() {
    let mut case = intended("invocation-1", false).standing();
    assert_eq!((case.run(), case.calls.len()), ("nothing_due", 0));
    assert_eq!(case.receipts[0].rule, rule::CERTIFICATE_DROPPED);
    assert!(case.memory.owned.is_empty(), "somebody else was faster: it is not ours");
    let mut case = intended("invocation-1", false);
    case.tag("pitcrew:hold", "true");
    case.run();
    assert!(case.calls.is_empty() && case.memory.intent.is_none());
}

#[test]
fn an_intent_of_this_invocation_that_grew_old_is_not_called() {
    let mut case = intended("invocation-1", false);
    later(&mut case, 31);
    assert_eq!((case.run(), case.calls.len()), ("intent_pending", 0));
}

#[test]
fn an_intent_of_another_invocation_is_left_for_a_minute() {
    for made in [true, false] {
        let mut case = intended("invocation-2", made);
        later(&mut case, 59);
        assert_eq!((case.run(), case.calls.len(), case.memory.version), ("intent_pending", 0, 3));
    }
}

#[test]
fn after_a_minute_what_stands_exactly_is_ours() {
    let mut case = intended("invocation-2", true);
    later(&mut case, 60);
    assert_eq!((case.run(), case.calls.len()), ("nothing_due", 0));
    assert_eq!(case.memory.owned[0].record, proof_record());
    assert_eq!(case.told(), told("put-back", Severity::Info));
}

#[test]
fn after_a_minute_a_record_of_a_batch_that_does_not_stand_whole_is_somebody_elses() {
    let mut case = intended("invocation-2", false).standing();
    let other = RecordSet::cname(name("_other.example.com"), &name("_t.acm-validations.aws"));
    let Some(Act::ChangeRecords(batch)) = case.memory.intent.as_mut().map(|intent| &mut intent.act) else { panic!() };
    batch.changes.push(Change::Create(other));
    later(&mut case, 60);
    assert_eq!((case.run(), case.calls.len()), ("nothing_due", 0));
    assert!(case.memory.owned.is_empty() && case.told().is_empty());
}

#[test]
fn after_a_minute_what_never_arrived_is_made_by_a_new_intent() {
    let mut case = intended("invocation-2", false);
    later(&mut case, 60);
    case.run();
    assert_eq!((case.calls.len(), case.memory.owned.len()), (1, 1));
}

#[test]
fn after_a_minute_what_cannot_be_read_is_not_settled() {
    let mut case = intended("invocation-2", true);
    later(&mut case, 60);
    case.world.zones[0].readable = false;
    assert_eq!(case.run(), "blind");
    assert!(case.memory.intent.is_some() && case.memory.owned.is_empty());
}

#[test]
fn a_lost_answer_is_settled_by_reading_and_never_by_a_second_call_at_once() {
    for arrived in [true, false] {
        let mut case = usual();
        case.answer = Some(CallAnswer::Lost("connection reset".to_owned()));
        assert_eq!(case.run(), "stop");
        if arrived {
            let act = case.calls[0].clone();
            case.make(&act);
        }
        assert_eq!((case.run(), case.calls.len()), ("intent_pending", 1));
        case.answer = None;
        later(&mut case, 75);
        assert_eq!(case.run(), "nothing_due");
        assert_eq!((case.calls.len(), case.memory.owned.len()), (if arrived { 1 } else { 2 }, 1));
    }
}

#[test]
fn a_call_that_was_not_made_is_tried_again() {
    let mut case = usual();
    case.answer = Some(CallAnswer::NotMade("Throttling".to_owned()));
    assert_eq!((case.run(), case.memory.intent.clone()), ("stop", None));
    assert!(case.told().is_empty());
    case.answer = None;
    case.run();
    assert_eq!((case.calls.len(), case.memory.owned.len()), (2, 1));
}

#[test]
fn a_refused_call_is_told_once_and_tried_again_after_an_hour() {
    let mut case = usual();
    case.answer = Some(CallAnswer::Refused { code: "AccessDenied".to_owned(), message: "no".to_owned() });
    case.run();
    assert_eq!((case.calls.len(), case.told()), (1, told("refused", Severity::Warning)));
    later(&mut case, 3_599);
    case.run();
    assert_eq!(case.calls.len(), 1);
    later(&mut case, 1);
    case.run();
    assert_eq!((case.calls.len(), case.told().len()), (2, 0));
    case.answer = None;
    later(&mut case, 3_600);
    case.run();
    assert_eq!(case.told(), told("put-back", Severity::Info));
}

#[test]
fn a_memory_survives_being_stored() {
    let case = intended("invocation-2", false);
    let json = serde_json::to_string(&case.memory).unwrap();
    assert_eq!(serde_json::from_str::<AcmMemory>(&json).unwrap(), case.memory);
    assert_eq!(serde_json::from_str::<AcmMemory>("{}").unwrap(), AcmMemory::default());
}
