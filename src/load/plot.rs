//! A picture of waits by percentile, as SVG.
//!
//! Both axes are logarithmic: the percentiles by what is left above them (50, 90, 99, 99.9 are evenly
//! spaced), the waits by decades. So the few who waited long can be seen beside the many who did not.

use hdrhistogram::Histogram;
use maud::{Markup, PreEscaped, html};

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 190.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 50.0;

/// Colours that can be told apart also by those who see no red or green (Okabe and Ito).
const COLOURS: [&str; 8] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999"];

/// How many points a curve has for each tenfold of what is left above.
const POINTS: i32 = 12;

/// The waits of some visitors.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    name: String,
    /// How many nines, and the wait in microseconds.
    points: Vec<(f64, f64)>,
}

impl Curve {
    #[expect(clippy::cast_precision_loss, reason = "waits are below an hour")]
    pub(super) fn of(name: &str, waits: &Histogram<u64>) -> Curve {
        let count = waits.len();
        let mut points = Vec::new();
        if count > 0 {
            let nines_max = (count as f64).log10();
            for step in 0..=i32::from(u8::MAX) {
                let nines = (f64::from(step) / f64::from(POINTS)).min(nines_max);
                let wait = waits.value_at_quantile(1.0 - 10_f64.powf(-nines));
                points.push((nines, wait.max(1) as f64));
                if nines >= nines_max {
                    break;
                }
            }
        }
        Curve { name: name.to_owned(), points }
    }
}

/// The picture.
pub(super) fn svg(title: &str, curves: &[Curve]) -> String {
    let points = || curves.iter().flat_map(|curve| curve.points.iter().copied());
    let nines_max = points().map(|(nines, _)| nines).fold(1.0, f64::max).ceil();
    let low = points().map(|(_, wait)| wait).fold(f64::INFINITY, f64::min);
    let high = points().map(|(_, wait)| wait).fold(1.0, f64::max);
    let low = if low.is_finite() { low.log10().floor() } else { 0.0 };
    let high = high.log10().ceil().max(low + 1.0);
    let x = |nines: f64| LEFT + nines / nines_max * (WIDTH - LEFT - RIGHT);
    let y = |wait: f64| TOP + (high - wait.log10()) / (high - low) * (HEIGHT - TOP - BOTTOM);
    let across = (0..=u8::MAX).map(f64::from).take_while(|nines| *nines <= nines_max);
    let up = (0..=u8::MAX).map(|step| low + f64::from(step)).take_while(|decade| *decade <= high);
    let picture = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img"
            font-family="system-ui, sans-serif" font-size="12" {
            title { (title) }
            rect width="100%" height="100%" fill="#fff" {}
            text x=(LEFT) y="24" font-size="15" font-weight="600" { (title) }
            text x=(LEFT) y=(TOP - 8.0) fill="#555" { "wait, from due to the last byte" }
            @for nines in across {
                (line(x(nines), TOP, x(nines), HEIGHT - BOTTOM))
                text x=(round(x(nines))) y=(HEIGHT - BOTTOM + 18.0) text-anchor="middle" fill="#555" {
                    (percent(nines))
                }
            }
            @for decade in up {
                @let at = y(10_f64.powf(decade));
                (line(LEFT, at, WIDTH - RIGHT, at))
                text x=(LEFT - 8.0) y=(round(at + 4.0)) text-anchor="end" fill="#555" {
                    (wait(10_f64.powf(decade)))
                }
            }
            @for (at, curve) in curves.iter().enumerate() {
                @let colour = COLOURS[at % COLOURS.len()];
                polyline fill="none" stroke=(colour) stroke-width="2" points=(
                    curve.points.iter().map(|(nines, wait)| format!("{},{}", round(x(*nines)), round(y(*wait))))
                        .collect::<Vec<_>>().join(" ")
                ) {}
                @let row = TOP + 16.0 * f64::from(u32::try_from(at).unwrap_or(0));
                rect x=(WIDTH - RIGHT + 14.0) y=(row) width="12" height="4" fill=(colour) {}
                text x=(WIDTH - RIGHT + 32.0) y=(row + 7.0) { (curve.name) }
            }
        }
    };
    picture.into_string()
}

fn line(x1: f64, y1: f64, x2: f64, y2: f64) -> Markup {
    let [x1, y1, x2, y2] = [x1, y1, x2, y2].map(round);
    PreEscaped(format!(
        r##"<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#e3e3e3"></line>"##
    ))
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// `0 %`, `90 %`, `99 %`, `99.9 %`, by how many nines.
fn percent(nines: f64) -> String {
    let decimals = (0..=u8::MAX).map(f64::from).take_while(|more| more + 2.0 < nines).count();
    format!("{:.decimals$} %", 100.0 - 10_f64.powf(2.0 - nines))
}

fn wait(micros: f64) -> String {
    match micros {
        micros if micros < 1000.0 => format!("{micros:.0} µs"),
        micros if micros < 1e6 => format!("{:.0} ms", micros / 1e3),
        micros => format!("{:.0} s", micros / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_goes_from_the_least_wait_to_the_longest() {
        let mut waits = Histogram::<u64>::new(3).expect("three digits");
        (1..=1000).for_each(|wait| waits.record(wait).expect("it grows"));
        let curve = Curve::of("a", &waits);
        assert_eq!(curve.points.first().map(|(nines, wait)| (*nines, *wait)), Some((0.0, 1.0)));
        assert_eq!(curve.points.last().map(|(_, wait)| *wait), Some(999.0));
        assert!(curve.points.is_sorted_by(|one, other| one.1 <= other.1));
    }

    #[test]
    fn a_picture_names_its_visitors_and_is_well_formed_without_any_wait() {
        let empty = Curve::of("<nobody>", &Histogram::new(3).expect("three digits"));
        let picture = svg("A & B", &[empty]);
        assert!(picture.contains("&lt;nobody&gt;") && picture.contains("A &amp; B"), "{picture}");
        assert!(!picture.contains("NaN") && !picture.contains("inf"), "{picture}");
    }

    #[test]
    fn percentiles_and_waits_are_written_short() {
        let written: Vec<_> = [0.0, 1.0, 2.0, 3.0, 4.0].map(percent).into();
        assert_eq!(written, ["0 %", "90 %", "99 %", "99.9 %", "99.99 %"]);
        assert_eq!([10.0, 1e3, 1e5, 1e7].map(wait), ["10 µs", "1 ms", "100 ms", "10 s"]);
    }
}
