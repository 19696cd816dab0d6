//! One flag asked as a test says: for one user, or for many who are made up.

use flagstaff_core::{
    diagnostic::{Diagnostic, Target, problems::Problems},
    document::json::{JsonObject, encode_members},
    flag::{
        Flag,
        context::{Evaluator, Scratch, TARGETING_KEY},
        evaluate::{Failure, Outcome},
    },
    readable::node::Node,
};

/// Units of a share, if the test does not say how many.
const USERS: u32 = 10_000;

/// A flag under the conditions of one test.
pub(super) struct Trial<'a> {
    pub(super) flag: &'a Flag,
    pub(super) at: i64,
    /// The user, encoded.
    pub(super) context: &'a [u8],
}

/// The users that a test makes up.
pub(super) struct Crowd {
    pub(super) users: u32,
    /// The attribute they differ in.
    pub(super) vary: String,
    /// What they have in common, encoded.
    pub(super) common: Box<[u8]>,
}

impl Crowd {
    pub(super) fn read(
        test: &Node<'_>,
        user: Option<JsonObject<'_>>,
        found: &mut Problems,
    ) -> Option<Self> {
        let users = test.member("users").map(|users| {
            let count = users.value.as_u64().and_then(|count| u32::try_from(count).ok());
            count.filter(|count| *count > 0).or_else(|| {
                found.push(users.error("is no number of users", "write such as 10000"));
                None
            })
        });
        let users = users.unwrap_or(Some(USERS))?;
        let vary = test.member("vary").and_then(|vary| vary.text("an attribute", found));
        let vary = vary.unwrap_or_else(|| TARGETING_KEY.to_owned());
        let common = encode_members(|put| {
            let members = user.into_iter().flat_map(JsonObject::members);
            members.filter(|(name, _)| **name != vary).for_each(|(name, value)| put(&name, value));
        });
        Some(Self { users, vary, common })
    }
}

impl Trial<'_> {
    /// The variant that is served, or what happens instead.
    pub(super) fn serve(&self, scratch: &mut Scratch) -> Result<String, String> {
        let mut evaluator = Evaluator::new(scratch, self.context, self.at)
            .map_err(|bad| format!("cannot be asked: {bad}"))?;
        match evaluator.evaluate(self.flag) {
            Outcome::Variant { index, .. } => {
                let variant = self.flag.variants().get(index);
                Ok(variant.map_or_else(String::new, |variant| variant.name().to_owned()))
            }
            Outcome::CodeDefault => Err("is left to the default in the caller's code".to_owned()),
            Outcome::Disabled => Err("is DISABLED".to_owned()),
            Outcome::Failed(Failure::Parse(why)) => Err(format!("is an error ({why})")),
            Outcome::Failed(Failure::General) => Err("names no variant".to_owned()),
        }
    }
}

/// Warns of attributes with a dot in their name: `user.plan` in a rule reads `plan` inside of `user`.
pub(super) fn warn_of_dots(user: &Node<'_>, found: &mut Problems) {
    for (name, attribute) in user.members() {
        if let Some((outer, inner)) = name.split_once('.') {
            let help = format!("nest it: {outer}: {{ {inner}: ... }}");
            let path = attribute.path.target(Target::Name);
            let message = "has a dot in its name, so no rule reads it";
            found.push(Diagnostic::warning(path, message, help));
        }
    }
}
