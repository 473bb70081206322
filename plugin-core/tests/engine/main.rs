//! The plugins as a runtime runs them: real processes, in namespaces that these tests make, with `ip -j`,
//! `bridge -j` and ping as judges.

#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod broken;
#[cfg(test)]
mod chained;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod node;
#[cfg(test)]
mod parallel;
#[cfg(test)]
mod wiring;
