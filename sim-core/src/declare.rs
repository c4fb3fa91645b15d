//! Declarations of statements and messages: one for each gives its type, its canonical bytes, and
//! the fields that a corrupted sender can change.
//!
//! [`statements!`](crate::statements) declares what is said, and mostly signed; a declaration reads
//! like the tuple in the paper. [`messages!`](crate::messages) declares the kinds of messages that
//! carry statements. What is special about a type, such as the entries of a list, is written by
//! hand: an `impl` of [`Encode`](crate::Encode), [`Editable`](crate::editable::Editable) or
//! [`Entry`](crate::field::Entry).
//!
//! ```
//! use byzsim_core::{Digest, Message, NodeId, Signed, Sort};
//!
//! byzsim_core::statements! {
//!     /// `Vote`: in `view`, I stand by the request of this digest, which `client` sent.
//!     #[derive(Clone, Copy, Debug)]
//!     pub struct Vote = "toy/vote" {
//!         /// v.
//!         view: u64,
//!         /// d.
//!         digest: Digest,
//!         /// c.
//!         client: NodeId,
//!     } invents digest
//! }
//!
//! byzsim_core::messages! {
//!     /// A message of the protocol.
//!     #[derive(Clone, Debug)]
//!     pub enum Msg {
//!         /// A replica's vote.
//!         "vote" = Vote(it: Signed<Vote>) view(it.view) digest(it.digest),
//!         /// A replica has these votes, and lacks the later ones.
//!         "fetch" = Fetch(last: u64, votes: Vec<Signed<Vote>>) view(votes.first()?.view),
//!     }
//! }
//!
//! assert_eq!(Msg::KINDS, ["vote", "fetch"]);
//! let fields: Vec<_> = Msg::FIELDS.iter().map(|it| (it.kind, it.name, it.sort)).collect();
//! assert_eq!(fields[..4], [
//!     ("vote", "view", Sort::Number),
//!     ("vote", "digest", Sort::Digest),
//!     ("vote", "client", Sort::Node),
//!     ("vote", "signer", Sort::Signer),
//! ]);
//! assert_eq!(fields[4..], [
//!     ("fetch", "last", Sort::Number),
//!     ("fetch", "votes", Sort::Entries),
//! ]);
//! assert_eq!(Msg::Fetch(7, Vec::new()).view(), None);
//! ```
//!
//! A field that nobody knows how to change does not compile; nor does one that is `fixed` in what
//! is signed, as no test would notice if its signature did not cover it:
//!
//! ```compile_fail,E0277
//! byzsim_core::statements! {
//!     /// `Farewell`: I leave, for this reason.
//!     #[derive(Clone, Debug)]
//!     pub struct Farewell = "toy/farewell" {
//!         /// Why.
//!         reason: char,
//!     }
//! }
//! ```

/// Declares statements. Each gets its struct, [`Encode`](crate::Encode) (the bytes of the fields,
/// in order) and [`Editable`](crate::editable::Editable). The [module](crate::declare) has an
/// example.
///
/// * `= "tag"` is the domain tag under which it is signed
///   ([`Statement::TAG`](crate::Statement::TAG)); what has none is never signed.
/// * A corrupted sender can change each field, in the way that its type says. Files know the field
///   by its name, or by another one: `view_changes as "view-changes": …`.
/// * `=> fixed` behind the type of a field: nobody changes it. Only what is not signed has such
///   fields.
/// * `=> digest_of(T)`: it is the digest of a `T` that travels beside the statement, as a part of
///   the same name. Who changes the field changes the part; see [`messages!`](crate::messages).
/// * `invents field` behind the braces: an invented statement differs in this field
///   ([`Inventive`](crate::field::Inventive)).
#[macro_export]
macro_rules! statements {
    ($(
        $(#[$about:meta])*
        pub $(($scope:tt))? struct $statement:ident $(= $tag:literal)? {
            $(
                $(#[$field_about:meta])*
                $field:ident $(as $name:literal)? : $type:ty $(=> $how:ident $(($of:ty))?)?
            ),* $(,)?
        } $(invents $invented:ident)?
    )*) => {$(
        $(#[$about])*
        pub $(($scope))? struct $statement {
            $( $(#[$field_about])* pub $field: $type, )*
        }

        impl $crate::Encode for $statement {
            fn encode(&self, out: &mut $crate::Encoder) {
                $( out.value(&self.$field); )*
            }
        }

        impl $crate::editable::Editable for $statement {
            const FIELDS: $crate::editable::FieldList = {
                let list = $crate::editable::FieldList::EMPTY;
                $( let list = $crate::statements!(
                    @list list, $crate::statements!(@name $field $($name)?),
                    $type $(, $how $($of)?)?
                ); )*
                list
            };

            fn edit(&mut self, _: &str, edit: &mut $crate::editable::FieldEdit<'_>) -> bool {
                $( $crate::statements!(
                    @edit edit, $crate::statements!(@name $field $($name)?), self.$field $(, $how)?
                ) || )* false
            }

            fn is_genuine(&self, judge: &$crate::Signer) -> bool {
                $( $crate::statements!(@genuine judge, self.$field $(, $how)?) && )* true
            }
        }

        $( impl $crate::Statement for $statement {
            const TAG: &'static str = $tag;
        } )?

        $( impl $crate::field::Inventive for $statement {
            fn invented(&self, rng: &mut $crate::SimRng) -> Self {
                let mut it = self.clone();
                it.$invented = $crate::field::Inventive::invented(&self.$invented, rng);
                it
            }
        } )?
    )*};

    // What follows are the steps of the rule above: the name of a field; its place in the list of
    // the fields; its edit.

    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $name:literal) => { $name };

    (@list $list:ident, $name:expr, $type:ty) => {
        $list.and($name, <$type as $crate::editable::Editable>::FIELDS)
    };
    (@list $list:ident, $name:expr, $type:ty, fixed) => { $list.and_fixed() };
    (@list $list:ident, $name:expr, $type:ty, digest_of $of:ty) => {
        $list.and_digest_of($name, <$of as $crate::editable::Editable>::FIELDS)
    };

    (@edit $edit:ident, $name:expr, $value:expr) => {
        $crate::editable::Editable::edit(&mut $value, $name, $edit)
    };
    (@edit $edit:ident, $name:expr, $value:expr, $fixed_or_beside:ident) => { false };

    (@genuine $judge:ident, $value:expr) => {
        $crate::editable::Editable::is_genuine(&$value, $judge)
    };
    (@genuine $judge:ident, $value:expr, $fixed_or_beside:ident) => { true };
}

/// Declares the messages of a protocol: their enum, [`Message`](crate::Message), and
/// [`Encode`](crate::Encode) (the place of the kind, then the bytes of the parts, in order). The
/// [module](crate::declare) has an example.
///
/// Each kind has its name in files, its variant with named parts, and what traces and patterns see
/// of it, where it has that: `view(…) seq(…) digest(…)`, in terms of the parts. `?` leaves the
/// answer open.
///
/// * A corrupted sender can change what the types of the parts say: the fields of a statement, or a
///   plain value under the name of the part.
/// * `=> fixed` behind the type of a part: nobody changes it.
/// * `=> it.digest = expression`: the part travels beside the statement `it`, whose field follows
///   when the part is changed. Under its name and `-alone` it is changed while the statement stays:
///   right digest, wrong body ([`Body`](crate::body::Body)).
/// * `=> alone`: the part is changed in this way only.
/// * `=> { … }`: what else happens when the part was changed.
/// * `lies(LIES, tell)` behind the braces: the table and the function for
///   [`Message::LIES`](crate::Message::LIES) and [`Message::tell`](crate::Message::tell), where
///   there are any.
#[macro_export]
macro_rules! messages {
    (
        $(#[$about:meta])*
        $vis:vis enum $messages:ident {
            $(
                $(#[$kind_about:meta])*
                $kind:literal = $variant:ident(
                    $(
                        $part:ident : $type:ty $(=> $how:tt $(. $field:ident = $follows:expr)?)?
                    ),* $(,)?
                ) $(view($view:expr))? $(seq($seq:expr))? $(digest($digest:expr))?
            ),* $(,)?
        } $(lies($lies:expr, $tell:path))?
    ) => {
        $(#[$about])*
        $vis enum $messages {
            $( $(#[$kind_about])* $variant($($type),*), )*
        }

        impl $crate::Encode for $messages {
            fn encode(&self, out: &mut $crate::Encoder) {
                out.u8($crate::Message::kind(self).0);
                match self {
                    $( Self::$variant($($part),*) => { $( out.value($part); )* } )*
                }
            }
        }

        #[allow(unused_variables, reason = "an arm names all parts of a message and needs some")]
        impl $crate::Message for $messages {
            const KINDS: &'static [&'static str] = &[$($kind),*];

            $( const LIES: &'static [$crate::Lie] = $lies; )?

            const FIELDS: &'static [$crate::Field] = {
                const ALL: &$crate::editable::FieldList = &{
                    let all = $crate::editable::FieldList::EMPTY;
                    $( let all = all.and_kind($kind, {
                        let list = $crate::editable::FieldList::EMPTY;
                        $( let list = $crate::messages!(
                            @list list, $part, $type $(, $how $(. $field)?)?
                        ); )*
                        list
                    }); )*
                    all
                };
                ALL.as_slice()
            };

            fn kind(&self) -> $crate::Kind {
                #[repr(u8)]
                enum Place { $( $variant, )* }
                $crate::Kind(match self { $( Self::$variant(..) => Place::$variant as u8, )* })
            }

            fn view(&self) -> Option<u64> {
                match self {
                    $( Self::$variant($($part),*) => $crate::messages!(@option $($view)?), )*
                }
            }

            fn seq(&self) -> Option<u64> {
                match self {
                    $( Self::$variant($($part),*) => $crate::messages!(@option $($seq)?), )*
                }
            }

            fn digest(&self) -> Option<$crate::Digest> {
                match self {
                    $( Self::$variant($($part),*) => $crate::messages!(@option $($digest)?), )*
                }
            }

            $( fn tell(
                &self,
                lie: &str,
                signer: &$crate::Signer,
                rng: &mut $crate::SimRng,
            ) -> Option<Vec<Self>> {
                $tell(self, lie, signer, rng)
            } )?

            fn is_genuine(&self, judge: &$crate::Signer) -> bool {
                match self {
                    $( Self::$variant($($part),*) => {
                        $( $crate::messages!(
                            @genuine judge, $part $(, $how $(. $field)?)?
                        ) && )* true
                    } )*
                }
            }

            fn edited(
                &self,
                field: &str,
                pen: $crate::editable::Pen<'_>,
                edit: &mut $crate::field::Edit<'_>,
            ) -> Option<Self> {
                let mut message = self.clone();
                let edit = &mut $crate::editable::FieldEdit::new(field, pen, edit);
                let changed = match &mut message {
                    $( Self::$variant($($part),*) => {
                        $( $crate::messages!(
                            @edit edit, $part $(, $how $(. $field = $follows)?)?
                        ) || )* false
                    } )*
                };
                changed.then_some(message)
            }
        }
    };

    // What follows are the steps of the rule above: an answer that a kind may have; the fields of
    // a part; the edit of a part. Each step knows the forms of `=> …` behind the type of a part.

    (@option) => { None };
    (@option $value:expr) => { Some($value) };

    (@list $list:ident, $part:ident, $type:ty) => {
        $list.and(stringify!($part), <$type as $crate::editable::Editable>::FIELDS)
    };
    (@list $list:ident, $part:ident, $type:ty, fixed) => { $list };
    (@list $list:ident, $part:ident, $type:ty, alone) => {
        $list.and(stringify!($part), $crate::editable::FieldList::one($crate::Sort::Body))
    };
    (@list $list:ident, $part:ident, $type:ty, { $($then:tt)* }) => {
        $crate::messages!(@list $list, $part, $type)
    };
    (@list $list:ident, $part:ident, $type:ty, $it:ident . $field:ident) => {
        $list
            .and_beside(stringify!($part), <$type as $crate::editable::Editable>::FIELDS)
            .and(
                concat!(stringify!($part), "-alone"),
                $crate::editable::FieldList::one($crate::Sort::Body),
            )
    };

    (@edit $edit:ident, $part:ident) => {
        $crate::editable::Editable::edit($part, stringify!($part), $edit)
    };
    (@edit $edit:ident, $part:ident, fixed) => { false };
    (@edit $edit:ident, $part:ident, alone) => {
        $edit.change(stringify!($part), $crate::field::FieldMut::Body($part))
    };
    (@edit $edit:ident, $part:ident, { $($then:tt)* }) => {
        $crate::messages!(@edit $edit, $part) && { $($then)* true }
    };
    (@edit $edit:ident, $part:ident, $it:ident . $field:ident = $follows:expr) => {
        $edit.may_change($it)
            && $crate::messages!(@edit $edit, $part)
            && $edit.follow($it, |body| body.$field = $follows)
            || $edit.change(
                concat!(stringify!($part), "-alone"),
                $crate::field::FieldMut::Body($part),
            )
    };

    (@genuine $judge:ident, $part:ident) => {
        $crate::editable::Editable::is_genuine($part, $judge)
    };
    (@genuine $judge:ident, $part:ident, fixed) => { true };
    (@genuine $judge:ident, $part:ident, alone) => {
        $crate::body::Body::is_genuine($part, $judge)
    };
    (@genuine $judge:ident, $part:ident, { $($then:tt)* }) => {
        $crate::messages!(@genuine $judge, $part)
    };
    (@genuine $judge:ident, $part:ident, $it:ident . $field:ident) => {
        $crate::body::Body::is_genuine($part, $judge)
    };
}
