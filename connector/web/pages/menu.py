"""All pages, in the order of the menu, and the files that they are drawn with."""

from fastapi import APIRouter

from connector.web.pages import aos, deployments, files, home, job, jobs, limiting, loading, preparing, results, settling

routes = APIRouter(include_in_schema=False)
for _page in (files, home, deployments, aos, limiting, loading, preparing, jobs, results, settling, job):
    routes.include_router(_page.routes)
