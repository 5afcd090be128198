"""A job that nobody works on says what it waits for, from its acceptance on."""

from connector.wire import reports


def test_a_load_whose_first_batch_lies_on_the_queue_says_so(ring, until):
    ring.add_endpoint()
    ring.know_metadata()
    ring.alive()
    job = ring.load()
    told = "queued: no worker of A1 has taken its first batch yet"
    until(lambda: ring.job(job).reason == told)
    assert ring.job(job).state == "queued"
    ring.take()
    until(lambda: ring.job(job).state == "running")
    assert ring.job(job).reason == ""


def test_a_survey_lets_all_jobs_that_waited_for_it_be_planned(ring, until):
    ring.add_endpoint()
    ring.alive()
    first, second = ring.load(), ring.load(company="DEMF")
    survey = ring.take()
    ring.tell(reports.SurveyDone, ref=survey.ref, metadata=ring.metadata)
    until(lambda: ring.job(first).planned and ring.job(second).planned)


def test_a_job_whose_worker_fell_silent_says_so_before_its_lease_ends(ring, until):
    ring.stop()
    ring.start(lease_s=30)
    ring.add_endpoint()
    ring.know_metadata()
    ring.alive()
    job = ring.load(rows=2)
    message = ring.take()
    ring.alive(message.ref)
    until(lambda: ring.job(job).reason.startswith("running: nothing was heard of its worker since "), timeout=30)
    assert "; what it holds is sent again at " in ring.job(job).reason
    assert ring.job(job).state == "running"
    ring.alive(message.ref)
    until(lambda: ring.job(job).reason == "")


def test_a_running_job_whose_next_batch_nobody_takes_says_so(ring, until):
    ring.stop()
    ring.start(lease_s=30)
    ring.add_endpoint()
    ring.know_metadata()
    ring.alive()
    job = ring.load(rows=4)
    ring.done(ring.take())
    until(lambda: ring.job(job).reason == "running: no worker of A1 has taken its next batch yet", timeout=30)
    ring.done(ring.take())
    until(lambda: ring.job(job).state == "succeeded")
