//! The rules of client sessions: what happens once.

use byzsim_core::Answer;

use super::Rules;
use crate::raft::message::Request;
use crate::service::Service;

impl Rules {
    /// Thesis §6.3: a request whose number the session has passed was executed.
    pub(in crate::raft) fn is_done(&self, service: &Service, request: &Request) -> bool {
        request.number <= service.last_reply(request.client).0
    }

    /// Thesis §6.3: a request takes effect once, when its entry is executed first. A session begins
    /// with request 1: one that continues a session that is not there is refused, or what was
    /// executed before could be executed again.
    pub(in crate::raft) fn apply(&self, service: &mut Service, it: &Request) -> Option<Answer> {
        let (last, _) = service.last_reply(it.client);
        let begins = it.number == 1 || 0 < last;
        begins.then(|| service.execute(it.client, it.number, &it.operation)).flatten()
    }

    /// Thesis §6.3: a snapshot holds the sessions, as they are part of the state.
    pub(in crate::raft) fn snapshot(&self, service: &Service) -> Service {
        service.clone()
    }
}
