//! The rules of client sessions: what happens once, and what a read sees.

use byzsim_core::{Answer, Operation};

use super::super::flaws::RaftFlaw;
use super::Rules;
use crate::raft::message::Request;
use crate::service::Service;

impl Rules {
    /// Thesis §6.3: a request whose number the session has passed was executed.
    pub(in crate::raft) fn is_done(&self, service: &Service, request: &Request) -> bool {
        let done = request.number <= service.last_reply(request.client).0;
        done && !self.flaws.has(RaftFlaw::NoSessions)
    }

    /// Thesis §6.3: a request takes effect once, when its entry is executed first. A session begins
    /// with request 1: one that continues a session that is not there is refused, or what was
    /// executed before could be executed again.
    pub(in crate::raft) fn apply(&self, service: &mut Service, it: &Request) -> Option<Answer> {
        let (client, number, operation) = (it.client, it.number, &it.operation);
        if self.flaws.has(RaftFlaw::NoSessions) {
            return Some(service.execute_again(client, number, operation));
        }
        let (last, _) = service.last_reply(client);
        // A read without an entry leaves no trace in a session, so that its number says nothing.
        let begins = number == 1 || 0 < last || self.reads_past_log();
        begins.then(|| service.execute(client, number, operation)).flatten()
    }

    /// Thesis §6.3: a snapshot holds the sessions, as they are part of the state.
    pub(in crate::raft) fn snapshot(&self, service: &Service) -> Service {
        match self.flaws.has(RaftFlaw::SessionsLeftBehind) {
            false => service.clone(),
            true => service.without_replies(),
        }
    }

    /// §8: the answer to a read from the leader's own state; there is none without an entry in the
    /// log. Another one may lead by now, and have committed more; and a new leader does not know
    /// what is committed before it commits an entry of its own term.
    pub(in crate::raft) fn read(
        &self,
        service: &Service,
        it: &Request,
        commits_own: bool,
    ) -> Option<Answer> {
        let early = self.flaws.has(RaftFlaw::ReadsTooEarly) && !commits_own;
        let reads = early || self.flaws.has(RaftFlaw::ReadsOwnState);
        match &it.operation {
            Operation::Get { .. } => reads.then(|| service.clone().apply(&it.operation)),
            Operation::Put { .. } | Operation::Append { .. } | Operation::Cas { .. } => None,
        }
    }

    fn reads_past_log(&self) -> bool {
        [RaftFlaw::ReadsOwnState, RaftFlaw::ReadsTooEarly].iter().any(|it| self.flaws.has(*it))
    }

    /// §5.3 (A6): a leader appends what it gathered, under the term that it leads; both are looked
    /// at in one step. Whoever was deposed in between appends nothing.
    pub(in crate::raft) fn may_append(&self, leads: bool) -> bool {
        leads || self.flaws.has(RaftFlaw::StampedLate)
    }
}

#[cfg(test)]
mod tests {
    use byzsim_core::{Committee, NodeId};

    use super::*;
    use crate::raft::Params;

    /// What a client asked before is unknown where its session is: it could be executed again.
    #[test]
    fn a_session_begins_with_its_first_request_and_executes_each_once() {
        let committee = Committee { replicas: 3, faults: 1, clients: 1 };
        let (rules, mut service) = (Rules::new(committee, &Params::default()), Service::default());
        let operation: Operation = "append k x".parse().expect("an operation");
        for (number, takes_effect) in
            [(2, false), (1, true), (1, false), (2, true), (1, false), (4, true), (3, false)]
        {
            let request =
                Request { client: NodeId::Client(0), number, operation: operation.clone() };
            let before = service.digest();
            let answer = rules.apply(&mut service, &request);
            assert_eq!(answer.is_some(), takes_effect, "request {number}");
            assert_eq!(service.digest() != before, takes_effect, "request {number}");
        }
    }
}
