//! The schema of a part of a table: what has to be there in the whole may be left out.

use std::borrow::Cow;
use std::marker::PhantomData;

use schemars::transform::{RecursiveTransform, Transform as _};
use schemars::{JsonSchema, Schema, SchemaGenerator};

/// A part of a `T`, to be laid over a whole one. It has a schema, but no value: what is left out of
/// a part has no default, since it stays as the whole says.
#[derive(Debug)]
pub struct Part<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for Part<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("PartOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut settings = generator.settings().clone();
        settings.inline_subschemas = true;
        let mut schema = T::json_schema(&mut settings.into_generator());
        RecursiveTransform(|schema: &mut Schema| {
            schema.remove("required");
            schema.remove("default");
            // A part may be one of several wholes.
            if let Some(wholes) = schema.remove("oneOf") {
                schema.insert("anyOf".to_owned(), wholes);
            }
        })
        .transform(&mut schema);
        schema
    }
}
