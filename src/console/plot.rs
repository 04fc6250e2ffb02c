//! Curves as pictures, with their numbers as a table.

use plotters::prelude::{ChartBuilder, IntoDrawingArea as _, LineSeries, RGBColor, SVGBackend};
use plotters::style::Color as _;

use jiff::{SignedDuration, Timestamp};

use super::page::Failure;
use crate::domain::curves::{Curves, POINTS};
use crate::domain::saw_tooth::SawTooth;
use crate::report::{Local, grouped};

/// Size of a picture, in units that a browser scales.
const SIZE: (u32, u32) = (460, 230);

/// How many points make a row of the table.
const EACH: usize = 5;

/// The classes of the curves in the style sheet, and their colours on paper.
const COLOURS: [(&str, RGBColor); 5] = [
    ("c0", RGBColor(0x16, 0x60, 0xad)),
    ("c1", RGBColor(0x2e, 0x8b, 0x57)),
    ("c2", RGBColor(0x8a, 0x5c, 0xc2)),
    ("c3", RGBColor(0xb0, 0x7c, 0x00)),
    ("c4", RGBColor(0xc8, 0x43, 0x2f)),
];

/// Curves, as a page shows them.
pub(super) struct CurvesView {
    pub(super) svg: String,
    /// Class and word of each.
    pub(super) labels: Vec<(&'static str, &'static str)>,
    /// Time and counts.
    pub(super) table: Vec<(String, Vec<String>)>,
}

/// Draws curves; those without anything are left out.
pub(super) fn draw<const KINDS: usize>(
    curves: &Curves<KINDS>,
    words: [&'static str; KINDS],
    local: &Local,
) -> Result<CurvesView, Failure> {
    let points: Vec<_> = curves.points().collect();
    let last = points.last().map(|(_, counts)| *counts);
    let last = last.unwrap_or([0; KINDS]);
    let shown: Vec<usize> = (0..KINDS).filter(|kind| last[*kind] > 0).collect();
    let most = last.into_iter().max().unwrap_or(0).max(1);
    let mut svg = String::new();
    picture(&mut svg, &points, &shown, most, local).map_err(|error| Failure::internal(&error))?;
    let colour = |kind: usize| COLOURS.get(kind).map_or("c0", |(class, _)| class);
    // A row says something new; the last one says how it is now.
    let mut rows: Vec<&Point<KINDS>> = points.iter().skip(EACH - 1).step_by(EACH).collect();
    let end = rows.pop();
    rows.dedup_by_key(|(_, counts)| *counts);
    rows.retain(|(_, counts)| end.is_none_or(|(_, last)| counts != last));
    rows.extend(end);
    Ok(CurvesView {
        svg,
        labels: shown
            .iter()
            .map(|kind| (colour(*kind), words[*kind]))
            .collect(),
        table: rows
            .into_iter()
            .map(|(at, counts)| {
                let counts = shown.iter().map(|kind| grouped(counts[*kind]));
                (local.time(*at), counts.collect())
            })
            .collect(),
    })
}

/// Draws the quota: what was left over time, and until when the window lasts.
pub(super) fn draw_quota(saw: &SawTooth, local: &Local) -> Result<String, Failure> {
    let mut svg = String::new();
    quota_picture(&mut svg, saw, local).map_err(|error| Failure::internal(&error))?;
    Ok(svg)
}

fn quota_picture(
    svg: &mut String,
    saw: &SawTooth,
    local: &Local,
) -> Result<(), Box<dyn std::error::Error>> {
    let begin = saw.windows.first().map_or(local.now, |it| it.from);
    let last = saw.windows.last();
    let end = last.map_or(local.now, |it| it.until).max(local.now);
    let seconds = |at: Timestamp| at.duration_since(begin).as_secs();
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let mut chart = ChartBuilder::on(&root)
        .margin(8)
        .margin_right(40)
        .x_label_area_size(28)
        .y_label_area_size(64)
        .build_cartesian_2d(0..seconds(end).max(1), 0..saw.limit.max(1))?;
    let time = |at: &i64| {
        let at = begin.checked_add(SignedDuration::from_secs(*at));
        at.map_or_else(|_| String::new(), |at| local.short(at))
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .label_style(("sans-serif", 14))
        .x_labels(3)
        .y_labels(4)
        .max_light_lines(1)
        .x_label_formatter(&time)
        .y_label_formatter(&|count| grouped(*count))
        .draw()?;
    let ours = |(at, left): &(Timestamp, u64)| (seconds(*at), *left);
    let steps = saw.windows.iter().flat_map(|it| {
        let full = Some((seconds(it.until), saw.limit)).filter(|_| it.until <= local.now);
        it.steps.iter().map(ours).chain(full)
    });
    let (_, colour) = COLOURS[0];
    chart.draw_series(LineSeries::new(steps, colour.stroke_width(3)))?;
    if let Some(window) = last.filter(|it| local.now < it.until) {
        let until = seconds(window.until);
        let left = window.left();
        let expected = [
            (seconds(local.now), left),
            (until, left),
            (until, saw.limit),
        ];
        let line = colour.mix(0.4).stroke_width(2);
        chart.draw_series(LineSeries::new(expected, line))?;
    }
    root.present()?;
    Ok(())
}

type Point<const KINDS: usize> = (jiff::Timestamp, [u64; KINDS]);

fn picture<const KINDS: usize>(
    svg: &mut String,
    points: &[Point<KINDS>],
    shown: &[usize],
    most: u64,
    local: &Local,
) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let mut chart = ChartBuilder::on(&root)
        .margin(8)
        .margin_right(40)
        .x_label_area_size(28)
        .y_label_area_size(64)
        .build_cartesian_2d(0..POINTS, 0..most)?;
    let time = |point: &usize| {
        let at = points.get(point.saturating_sub(1));
        at.map_or_else(String::new, |(at, _)| local.short(*at))
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .label_style(("sans-serif", 14))
        .x_labels(3)
        .y_labels(4)
        .max_light_lines(1)
        .x_label_formatter(&time)
        .y_label_formatter(&|count| grouped(*count))
        .draw()?;
    for kind in shown {
        let colour = COLOURS
            .get(*kind)
            .map_or(RGBColor(0, 0, 0), |(_, colour)| *colour);
        let line = points.iter().enumerate();
        let line = line.map(|(at, (_, counts))| (at + 1, counts[*kind]));
        let line = std::iter::once((0, 0)).chain(line);
        chart.draw_series(LineSeries::new(line, colour.stroke_width(3)))?;
    }
    root.present()?;
    Ok(())
}
