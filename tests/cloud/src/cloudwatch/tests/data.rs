//! Metric data, read back.

use super::*;

#[test]
fn metric_data_is_read_back_by_statistic_and_period() {
    let mut trial = trial();
    let datum = |value: Value| {
        let mut datum =
            json!({"MetricName": "Latency", "Dimensions": [{"Name": "F", "Value": "r"}], "Unit": "Milliseconds"});
        datum.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        json!({"Namespace": "Pitcrew", "MetricData": [datum]})
    };
    trial.call("PutMetricData", datum(json!({"Values": [10.0, 20.0], "Counts": [3.0, 1.0]})));
    trial.pass(60);
    trial.call("PutMetricData", datum(json!({"Value": 40.0})));
    let start = 1_795_161_600;
    let input = json!({
        "Namespace": "Pitcrew", "MetricName": "Latency", "Dimensions": [{"Name": "F", "Value": "r"}],
        "StartTime": start, "EndTime": start + 120, "Period": 60,
        "Statistics": ["Average", "SampleCount"], "ExtendedStatistics": ["p99"],
    });
    assert_eq!(
        trial.call("GetMetricStatistics", input),
        json!({"Label": "Latency", "Datapoints": [
            {"Average": 12.5, "SampleCount": 4.0, "Timestamp": start, "Unit": "Milliseconds", "ExtendedStatistics": {"p99": 20.0}},
            {"Average": 40.0, "SampleCount": 1.0, "Timestamp": start + 60, "Unit": "Milliseconds", "ExtendedStatistics": {"p99": 40.0}},
        ]})
    );
    let metric = json!({"Namespace": "Pitcrew", "MetricName": "Latency", "Dimensions": [{"Name": "F", "Value": "r"}]});
    let mut query = json!({
        "MetricDataQueries": [{"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}}],
        "StartTime": start, "EndTime": start + 120, "MaxDatapoints": 1,
    });
    let first = trial.call("GetMetricData", query.clone());
    let result = &first["MetricDataResults"][0];
    assert_eq!((&result["Timestamps"], &result["Values"]), (&json!([start + 60]), &json!([40.0])));
    assert_eq!(result["StatusCode"], "PartialData");
    query["NextToken"] = first["NextToken"].clone();
    let second = trial.call("GetMetricData", query);
    assert_eq!(second["MetricDataResults"][0]["Values"], json!([20.0]));
    assert_eq!(second["MetricDataResults"][0]["StatusCode"], "Complete");
    let listed = trial.call("ListMetrics", json!({"Dimensions": [{"Name": "F"}]}));
    assert_eq!(listed["Metrics"], json!([metric]));
    trial.pass(4 * 3600);
    assert_eq!(trial.call("ListMetrics", json!({"RecentlyActive": "PT3H"}))["Metrics"], json!([]));
}

#[test]
fn a_percentile_on_few_samples_can_be_ignored() {
    let mut trial = trial();
    let mut alarm = errors_alarm("p99");
    alarm.as_object_mut().unwrap().shift_remove("Statistic");
    alarm["ExtendedStatistic"] = json!("p99");
    alarm["EvaluateLowSampleCountPercentile"] = json!("ignore");
    alarm["TreatMissingData"] = json!("ignore");
    trial.call("PutMetricAlarm", alarm.clone());
    alarm["AlarmName"] = json!("evaluated");
    alarm["EvaluateLowSampleCountPercentile"] = json!("evaluate");
    trial.call("PutMetricAlarm", alarm);
    errors(&mut trial, 9.0);
    trial.pass(66);
    assert_eq!(state(&mut trial, "p99"), "INSUFFICIENT_DATA");
    assert_eq!(state(&mut trial, "evaluated"), "ALARM");
}

#[test]
fn five_hundred_queries_are_answered_and_one_more_is_refused() {
    let mut trial = trial();
    errors(&mut trial, 3.0);
    trial.pass(60);
    let metric = |value: &str| {
        json!({
            "Namespace": "AWS/AppRunner", "MetricName": "5xxStatusResponses",
            "Dimensions": [{"Name": "ServiceName", "Value": "web"}, {"Name": "ServiceID", "Value": value}],
        })
    };
    let query = |n: usize| {
        let service = if n.is_multiple_of(2) { "abc" } else { "other" };
        json!({"Id": format!("q{n}"), "MetricStat": {"Metric": metric(service), "Period": 60, "Stat": "Sum"}})
    };
    let now = trial.now.as_second();
    let input = |count: usize| {
        let queries: Vec<Value> = (0..count).map(query).collect();
        json!({"MetricDataQueries": queries, "StartTime": now - 600, "EndTime": now + 60, "MaxDatapoints": 100})
    };
    let mut asked = input(500);
    let (mut pages, mut points) = (0, 0);
    loop {
        let answer = trial.call("GetMetricData", asked.clone());
        let results = answer["MetricDataResults"].as_array().unwrap();
        assert_eq!(results.len(), 500, "each page names every query");
        points += results.iter().map(|result| result["Values"].as_array().unwrap().len()).sum::<usize>();
        pages += 1;
        match answer.get("NextToken") {
            Some(token) => asked["NextToken"] = token.clone(),
            None => break,
        }
    }
    assert_eq!((pages, points), (3, 250), "one point for every second query, a hundred a page");
    assert_eq!(trial.refused("GetMetricData", input(501)).code, "ValidationError");
    let twice = json!({"MetricDataQueries": [query(1), query(1)], "StartTime": now - 600, "EndTime": now});
    let error = trial.refused("GetMetricData", twice);
    assert!(error.message.contains("not unique"), "{}", error.message);
}
