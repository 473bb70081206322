//! Which points a request and its reply passed, in which order, and how long the way behind each took.

use super::{Exchange, Sighting};
use crate::capture::point::{Device, PointId, Points};

/// What was seen at one point of one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hop {
    /// Where.
    pub point: PointId,
    /// Which of several sightings at a point whose devices cannot be told apart; 0 for the first.
    pub turn: usize,
    /// The request there.
    pub request: Option<Sighting>,
    /// The reply there.
    pub reply: Option<Sighting>,
}

impl Hop {
    /// Nanoseconds from request to reply at this point.
    pub fn round_trip(&self) -> Option<i128> {
        let (request, reply) = (self.request?, self.reply?);
        Some(reply.time.as_nanos() - request.time.as_nanos())
    }
}

impl Exchange {
    /// What was seen at each point, in the order in which the request passed them.
    pub fn hops(&self, points: &Points) -> Vec<Hop> {
        let mut hops: Vec<Hop> = Vec::new();
        let mut requests: Vec<&Sighting> = self.requests.iter().collect();
        requests.sort_by_key(|seen| seen.time);
        for seen in requests {
            let anonymous = is_anonymous(points, seen.point);
            let turn = hops.iter().filter(|hop| hop.point == seen.point).count();
            // A second sighting at a known device is a duplicate; where devices cannot be told apart it
            // is most likely the next device.
            if turn == 0 || anonymous {
                hops.push(Hop {
                    point: seen.point,
                    turn,
                    request: Some(*seen),
                    reply: None,
                });
            }
        }
        let mut replies: Vec<&Sighting> = self.replies.iter().collect();
        replies.sort_by_key(|seen| seen.time);
        // The reply takes the way back: what it passes first the request passed last.
        let mut unpaired = Vec::new();
        for seen in replies {
            let free = hops
                .iter_mut()
                .rev()
                .find(|hop| hop.point == seen.point && hop.reply.is_none());
            match free {
                Some(hop) => hop.reply = Some(*seen),
                None => unpaired.push(*seen),
            }
        }
        for seen in unpaired {
            let known = hops.iter().filter(|hop| hop.point == seen.point).count();
            if known == 0 || is_anonymous(points, seen.point) {
                hops.push(Hop {
                    point: seen.point,
                    turn: known,
                    request: None,
                    reply: Some(seen),
                });
            }
        }
        hops
    }

    /// How often the request and the reply were seen again at a device that had seen them already.
    pub(super) fn repeats(&self, points: &Points) -> (usize, usize) {
        let again = |list: &[Sighting]| {
            list.iter()
                .enumerate()
                .filter(|(index, seen)| {
                    !is_anonymous(points, seen.point)
                        && list
                            .iter()
                            .take(*index)
                            .any(|before| before.point == seen.point && before.way == seen.way)
                })
                .count()
        };
        (again(&self.requests), again(&self.replies))
    }
}

/// Whether a point stands for several devices: a cooked capture that does not tell them apart.
pub(super) fn is_anonymous(points: &Points, id: PointId) -> bool {
    points
        .get(id)
        .is_some_and(|point| point.device == Device::Unknown)
}
