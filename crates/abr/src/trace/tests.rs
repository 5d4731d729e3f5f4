use std::fs;

use super::*;

fn one(text: &str) -> Trace {
    let traces = parse("t", text, None).unwrap();
    assert_eq!(traces.len(), 1);
    traces.into_iter().next().unwrap()
}

fn told(text: &str, format: Option<Format>) -> String {
    parse("net/t.csv", text, format).unwrap_err().to_string()
}

#[test]
fn each_format_is_recognised_and_read() {
    let csv = one("seconds,mbps\n0,1\n1.5,2\n3,0\n");
    assert_eq!(csv.times_s(), [0.0, 1.5, 3.0]);
    assert_eq!(csv.mbps(), [1.0, 2.0, 0.0]);
    assert_eq!((csv.mean_mbps(), csv.outage()), (1.0, 0.5));
    assert_eq!(one("0 1\n1.5 2\n3 0\n").mbps(), csv.mbps());

    // 500 packets in the first second, 250 in the half second behind it: 6 Mbit/s in both.
    let packets: String = (1..=750)
        .map(|packet| format!("{}\n", packet * 2))
        .collect();
    let mahimahi = one(&packets);
    assert_eq!(mahimahi.times_s(), [0.0, 1.0, 1.5]);
    assert_eq!(mahimahi.mbps(), [6.0, 6.0, 6.0]);

    let log = "1289406399 549 59.8 10.7 125000 1000\n1289406400 1549 59.8 10.7 250000 500\n";
    let hsdpa = one(log);
    assert_eq!(hsdpa.times_s(), [0.0, 1.0, 1.5]);
    assert_eq!(hsdpa.mbps(), [1.0, 1.0, 4.0]);

    let fcc = "unit_id,dtime,target,address,fetch_time,bytes_total,bytes_sec\n\
               7,2016-09-01 00:00:00,example.com,1.2.3.4,1,1,250000\n\
               7,2016-09-01 01:00:00,example.com,1.2.3.4,1,1,500000\n\
               9,2016-09-01 01:00:00,example.com,1.2.3.4,1,1,500000\n";
    let traces = parse("f", fcc, None).unwrap();
    assert_eq!(traces.len(), 1, "one row makes no trace");
    assert_eq!(
        (traces[0].name(), traces[0].mbps()),
        ("f#7_example.com", &[2.0, 4.0][..])
    );
    assert_eq!(traces[0].times_s(), [0.0, 5.0]);
}

#[test]
fn what_no_link_can_have_is_refused_with_file_and_line() {
    let cases = [
        ("", "net/t.csv:1: the trace is empty"),
        ("seconds,mbps\n", "net/t.csv:1: the trace is empty"),
        ("seconds,mbps\n0,1\n", "net/t.csv:2: one row makes no trace"),
        (
            "seconds,mbps\n0,1\n2,1\n\n1,1\n",
            "net/t.csv:5: the time 1 s follows 2 s",
        ),
        (
            "seconds,mbps\n0,1\n1,-2\n",
            "net/t.csv:3: the rate -2 Mbit/s is no rate",
        ),
        (
            "seconds,mbps\n0,1\n1,NaN\n",
            "net/t.csv:3: the rate NaN Mbit/s is no rate",
        ),
        ("seconds,mbps\n0,1\n1,inf\n", "net/t.csv:3: the rate inf"),
        (
            "seconds,mbps\n0,1\ninf,1\n",
            "net/t.csv:3: the time inf is no time",
        ),
        (
            "seconds,mbps\n0,7\n1,0\n2,0\n",
            "net/t.csv:4: every rate behind the first row is zero",
        ),
        (
            "seconds,mbps\n0,1\n1,1e-9\n",
            "net/t.csv:3: 1.00e-9 Mbit/s in the mean",
        ),
        (
            "seconds,mbps\n0,1\n1,fast\n",
            "net/t.csv:3: \"fast\" is no number",
        ),
        ("seconds,mbps\n0,1\n1,2,3\n", "net/t.csv:3: 3 cells, not 2"),
        ("time,rate\n0,1\n1,1\n", "net/t.csv:1: the header is not"),
        ("5\n4\n", "net/t.csv:2: 4 ms follows 5 ms"),
        ("5\n999999999999\n", "longer than three days"),
        (
            "1 2 3\n",
            "net/t.csv:1: a format of traces that is not known",
        ),
        ("1 2 3 4 5 0\n", "net/t.csv:1: 5 bytes in no time"),
        ("1 2 3 4 -5 10\n", "net/t.csv:1: bytes: -5"),
    ];
    for (text, wanted) in cases {
        let told = told(text, None);
        assert!(told.contains(wanted), "{told}, not {wanted}");
    }
    assert!(told("1\n2\n", Some(Format::Cooked)).contains("1 cells, not 2"));
    assert!(
        "flac"
            .parse::<Format>()
            .unwrap_err()
            .to_string()
            .contains("mahimahi")
    );
}

#[test]
fn traces_come_back_as_they_went_out() {
    let trace = Markov::between(0.3, 5.0, 5).generate(1, 60.0).unwrap();
    for text in [trace.to_csv(), trace.to_cooked()] {
        let back = one(&text);
        assert_eq!(
            (back.times_s(), back.mbps()),
            (trace.times_s(), trace.mbps())
        );
    }
    // Packets are whole: within one of them for each second.
    let back = one(&trace.to_mahimahi());
    assert!((back.mean_mbps() / trace.mean_mbps() - 1.0).abs() < 0.01);
    for (a, b) in back.mbps()[1..].iter().zip(&trace.mbps()[1..]).take(58) {
        assert!((a - b).abs() < 0.03, "{a} and {b}");
    }
}

#[test]
fn folders_are_read_by_name_and_must_hold_something() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(
        read_folder(folder.path(), None),
        Err(Error::NoTraces { .. })
    ));
    for name in ["b.csv", "a.csv", "README.md", ".hidden"] {
        fs::write(folder.path().join(name), "seconds,mbps\n0,1\n1,1\n").unwrap();
    }
    let traces = read_folder(folder.path(), None).unwrap();
    let names: Vec<&str> = traces.iter().map(Trace::name).collect();
    assert!(names.len() == 2 && names[0].ends_with("a.csv"), "{names:?}");
    fs::write(folder.path().join("c.csv"), "seconds,mbps\n0,1\n0,1\n").unwrap();
    let told = read_folder(folder.path(), None).unwrap_err().to_string();
    assert!(told.contains("c.csv:3: the time 0 s follows 0 s"), "{told}");
    assert!(read_file(&folder.path().join("none"), None).is_err());
}
