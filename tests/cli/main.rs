//! What a person reads of the program: completions, and the tutorial done word for word.

#[cfg(test)]
mod completions;
#[cfg(test)]
mod tutorial;
